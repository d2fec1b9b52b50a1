"""What fusing by predicted seconds is worth, measured on XLA:CPU.

    python -m benchmarks.fusion [--models NAME ...] [--limit N] [--cost NAME|FILE] [--core K]
                                [--ceiling] [--journal FILE] [--csv FOLDER]

For example models that the cost model has not seen, at batch 1, by four ways to form kernels: every
operation apart (`single`), the rules (`fuse`), the search that asks a fitted roofline, and the
search that asks the learned model.

  end to end  seconds of all operators: each distinct kernel measured by itself, launch included,
              times how often it is called
  regret      in neighbourhoods of 2 to 6 operations with up to 8 of their legal fusions: how much
              slower the chosen variant is than the quickest one, all of them measured

With `--ceiling` one more search asks the clock itself: what better predictions could reach.
Kernels are timed one after the other; the journal keeps what is timed, and a run that was stopped
goes on from it. All eight models take about half an hour on a core that does nothing else, and
twice that with `--ceiling`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxlib.mlir import ir

from benchmarks.doc_csv import write_table
from benchmarks.fusion_measured import Measured
from benchmarks.fusion_neighbourhoods import Neighbourhood, neighbourhoods
from cosmalloc.cli.summary import time_words
from cosmalloc.cost_model.choose import LEARNED, ROOFLINE, predictor_named
from cosmalloc.cost_model.corpus.split import split_of
from cosmalloc.cost_model.grouping import group_by, group_text
from cosmalloc.cost_model.kernel import PREPARATION, digest
from cosmalloc.cost_model.measuring import Timer, measure_all
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.passes import Pipeline, context, read_model
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_merges import fuse
from cosmalloc.passes.group_state import Groups, start
from cosmalloc.passes.grouping import Grouping, formed, group
from cosmalloc.passes.rules import Rules
from examples.models.export import ARTIFACTS, NAMES

HELD_OUT = tuple(name for name in NAMES if split_of(name) == "test")
WAYS = ("single", "fuse", "roofline", "learned")
VARIANTS = 8
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
    places: list[Place]
    texts: dict[str, str]  # by digest


def asked(path: Path, predictors: Mapping[str, Predictor], limit: int, seed: int) -> Asked:
    """The kernels of a model by every way.

    predictors: of `roofline` and `learned`, and perhaps of `measured`, for whole models alone.
    """
    module, name = read_model(path)
    Pipeline.parse(PREPARATION).run(module)
    with module.context, ir.Location.unknown():
        rules = Rules()
        flow = dataflow(context.entry(module.operation).regions[0].blocks[0], rules)
        formed_by: dict[str, Grouping] = {
            "single": group(flow, rules, "single"),
            "fuse": group(flow, rules, "fuse"),
        } | {way: group_by(flow, rules, each) for way, each in predictors.items()}
        texts: dict[str, str] = {}
        ways = {
            way: [_kept(texts, group_text(flow, part)) for part in formed_by[way].groups]
            for way in formed_by
        }
        goal = start(flow, rules, share=True)
        fuse(goal)
        state = start(flow, rules, share=True)
        found = neighbourhoods(state, goal, limit, VARIANTS, seed)
        named = {way: each for way, each in predictors.items() if way in WAYS}
        places = [_place(flow, state, each, named, texts) for each in found]
    alike = {place.variants: place for place in places}
    return Asked(name, ways, list(alike.values()), texts)


def _kept(texts: dict[str, str], text: str) -> str:
    key = digest(text)
    texts[key] = text
    return key


def _place(
    flow: Dataflow,
    state: Groups,
    near: Neighbourhood,
    predictors: Mapping[str, Predictor],
    texts: dict[str, str],
) -> Place:
    variants = tuple(
        tuple(_kept(texts, group_text(flow, formed(state, members))) for members in variant)
        for variant in near.variants
    )
    choice = {"single": 0, "fuse": near.rule}
    for way, predictor in predictors.items():
        totals = [
            float(predictor.predict([texts[key] for key in variant]).seconds.sum())
            for variant in variants
        ]
        choice[way] = int(np.argmin(totals))
    return Place(variants, choice)


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
    """A row of the first table."""
    seconds = {way: total(keys, labels) for way, keys in one.ways.items()}
    row = [one.model]
    for way in one.ways:
        row += [str(len(one.ways[way])), _time(seconds[way])]
    return [*row, f"{seconds['learned'] / seconds['fuse'] - 1:+.1%}"]


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
    pairs = [f"{way} {what}" for way in ways for what in ("operators", "time")]
    return ["model", *pairs, "learned against fuse"]


REGRET_HEAD = (
    "model",
    "places",
    *(f"{way} {what}" for way in WAYS for what in ("mean", "median", "within 1%")),
)


def _time(seconds: float) -> str:
    return "-" if np.isnan(seconds) else time_words(seconds)


def timed(all_asked: Sequence[Asked], journal: Path, timer: Timer) -> Labels:
    """Labels of every kernel, by digest."""
    texts = {key: text for one in all_asked for key, text in one.texts.items()}
    rows = [{"text": text} for text in texts.values()]

    def progress(count: int, _row: dict[str, Any]) -> None:
        if sys.stderr.isatty() or count % 200 == 0:
            print(f"\r{count}/{len(rows)} kernels", end="", file=sys.stderr, flush=True)

    return {row["digest"]: row for row in measure_all(rows, journal, timer, progress)}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=HELD_OUT, metavar="NAME")
    parser.add_argument("--limit", type=int, default=40, help="neighbourhoods of a model")
    parser.add_argument("--cost", default=LEARNED)
    parser.add_argument("--roofline", default=ROOFLINE, help="the cost model of that column")
    parser.add_argument("--ceiling", action="store_true", help="search by the clock, too")
    parser.add_argument("--core", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", type=Path, default=Path("fusion.journal"))
    parser.add_argument("--csv", type=Path, metavar="FOLDER")
    options = parser.parse_args(words)
    predictors: dict[str, Predictor] = {
        "roofline": predictor_named(options.roofline),
        "learned": predictor_named(options.cost),
    }
    with Timer("cpu", options.core) as timer:
        if options.ceiling:
            predictors["measured"] = Measured(timer, options.journal)
        found = [
            asked(ARTIFACTS / f"{name}.mlirbc", predictors, options.limit, options.seed)
            for name in options.models
        ]
        labels = timed(found, options.journal, timer)
    heads = time_head(found[0].ways)
    rows = [model_row(one, labels) for one in found]
    each = {one.model: regrets(one.places, labels) for one in found}
    whole = {way: [r for values in each.values() for r in values[way]] for way in WAYS}
    table = [regret_row(name, values) for name, values in (*each.items(), ("all", whole))]
    for head, lines in ((heads, rows), (REGRET_HEAD, table)):
        print(f"\n| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n")
        print("\n".join(f"| {' | '.join(line)} |" for line in lines), flush=True)
    if options.csv:
        _write(options.csv, heads, rows, table)
    return 0


def _write(
    folder: Path,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    table: Sequence[Sequence[str]],
) -> None:
    ceiling = " --ceiling" if "measured time" in heads else ""
    command = f"python -m benchmarks.fusion{ceiling} --csv docs/data"
    write_table(
        folder / "fusion.csv",
        "Kernels fused by rule and by predicted seconds, on XLA:CPU",
        command,
        heads,
        rows,
        "Sum of the measured seconds of all operators, launches included, batch 1, one core.",
    )
    write_table(
        folder / "fusion-regret.csv",
        "How much slower than the quickest fusion of a neighbourhood each choice is",
        command,
        REGRET_HEAD,
        table,
        "2 to 6 neighbouring operations, up to 8 of their legal fusions, all measured.",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
