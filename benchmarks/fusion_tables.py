"""What `benchmarks.fusion` found, in tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.doc_csv import write_table
from cosmalloc.cli.summary import time_words
from cosmalloc.cost_model.kernel import digest

WAYS = ("single", "fuse", "roofline", "learned")
Labels = Mapping[str, dict[str, Any]]  # by digest


@dataclass(frozen=True)
class Place:
    """A neighbourhood: the kernels (digests) of each variant, and the variant of each way."""

    variants: tuple[tuple[str, ...], ...]
    choice: dict[str, int]


@dataclass(frozen=True)
class Asked:
    """What is measured of a model: the kernels of each way, one per operator, and places."""

    model: str
    ways: dict[str, list[str]]
    programs: dict[str, str]  # by way: the module of kernels
    places: list[Place]
    texts: dict[str, str]  # by digest


def total(keys: Iterable[str], labels: Labels) -> float:
    """Seconds of kernels called one after the other; nan where one could not be timed."""
    return sum(float(labels[key].get("seconds", np.nan)) for key in keys)


def regrets(places: Sequence[Place], labels: Labels) -> dict[str, list[float]]:
    """By way, for each place: chosen / quickest - 1. Places with an untimed kernel are left out."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for place in places:
        seconds = np.array([total(variant, labels) for variant in place.variants])
        if np.isnan(seconds).any():
            continue
        for way in WAYS:
            found[way].append(float(seconds[place.choice[way]] / seconds.min() - 1))
    return found


def model_row(one: Asked, labels: Labels) -> list[str]:
    """A row of the first table. labels: of the kernels, and of the programs in sequence."""
    sums = {way: total(keys, labels) for way, keys in one.ways.items()}
    runs = {way: total([digest(text)], labels) for way, text in one.programs.items()}
    row = [one.model]
    for way, keys in one.ways.items():
        row += [str(len(keys)), _time(sums[way]), _time(runs[way])]
    return [*row, _gain(sums), _gain(runs)]


def _gain(seconds: Mapping[str, float]) -> str:
    share = seconds["learned"] / seconds["fuse"] - 1
    return "-" if np.isnan(share) else f"{share:+.1%}"


def regret_row(name: str, found: Mapping[str, Sequence[float]]) -> list[str]:
    """A row of the second table."""
    row = [name, str(len(found["fuse"]))]
    for way in WAYS:
        values = found[way]
        if values:
            row += [f"{np.mean(values):.1%}", f"{np.median(values):.1%}"]
            row += [f"{np.mean(np.array(values) < 0.01):.0%}"]
        else:
            row += ["-", "-", "-"]
    return row


def time_head(ways: Iterable[str]) -> list[str]:
    """Heads of the first table."""
    cells = [f"{way} {what}" for way in ways for what in ("operators", "sum", "run")]
    return ["model", *cells, "learned against fuse: sum", "run"]


REGRET_HEAD = (
    "model",
    "places",
    *(f"{way} {what}" for way in WAYS for what in ("mean", "median", "within 1%")),
)


def _time(seconds: float) -> str:
    return "-" if np.isnan(seconds) else time_words(seconds)


def write(
    folder: Path,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    table: Sequence[Sequence[str]],
) -> None:
    """Writes fusion.csv and fusion-regret.csv."""
    ceiling = " --ceiling" if "measured sum" in heads else ""
    command = f"python -m benchmarks.fusion{ceiling} --csv docs/data"
    write_table(
        folder / "fusion.csv",
        "Kernels fused by rule and by predicted seconds, on XLA:CPU",
        command,
        heads,
        rows,
        "Batch 1, one core. sum: of all operators' measured seconds, each by itself, launches"
        " included; run: the whole program, kernel after kernel, from Python.",
    )
    write_table(
        folder / "fusion-regret.csv",
        "How much slower than the quickest fusion of a neighbourhood each choice is",
        command,
        REGRET_HEAD,
        table,
        "2 to 6 neighbouring operations, up to 8 of their legal fusions, all measured.",
    )
