"""Training from nothing, seed by seed, and with one of its means left out, for benchmarks.agent.

A run is a folder VARIANT-SEED; one that was ended goes on, one that had its seconds is not run
again. The exam is of families that nobody trains on: the likeliest game, without search, over the
better of `msa` and `greedy`; one row after the first round shows an agent that knows nothing.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from benchmarks.agent_players import head, line
from cosmalloc.rl_agent.curriculum import TRAINED, models
from cosmalloc.rl_agent.training import Asked, train_on
from examples.models.export import ARTIFACTS

BASE = Asked(examine=5, lessons=20, cuttings=100, families=60, teach_seconds=0.5, longest=600)
VARIANTS: dict[str, Asked] = {
    "agent": BASE,
    "no imitation": replace(BASE, lessons=0),
    "no search": replace(BASE, mode="policy"),
    "no graph": replace(BASE, graph=False),
}
EXAMS = ("transformer_layer", "unet", "mobilenet_v2", "decode_step")


@dataclass(frozen=True)
class Exam:
    """One examination. seconds: of training before it; exam: less is better, below 1 it beats both
    rivals."""

    run: str
    round: float
    moves: float
    seconds: float
    exam: float


def exams_of(folder: Path) -> list[Exam]:
    """What the metrics of a run say."""
    file = folder / "metrics.csv"
    if not file.is_file():
        return []
    with file.open() as rows:
        return [
            Exam(
                folder.name,
                *(float(row[key]) for key in ("round", "moves", "seconds")),
                float(row["exam"]),
            )
            for row in csv.DictReader(rows)
            if row.get("exam")
        ]


def trained(folder: Path, variant: str, seed: int, seconds: float) -> list[Exam]:
    """The examinations of a run that has had its seconds."""
    run = folder / f"{variant.replace(' ', '-')}-{seed}"
    done = run / "done"
    if not done.exists():
        train_on(
            models(TRAINED, ARTIFACTS),
            models(EXAMS, ARTIFACTS),
            run,
            replace(VARIANTS[variant], seed=seed),
            seconds=seconds - _gone(run),
            progress=lambda words, share: print(f"{run.name} {share:.0%} {words}", file=sys.stderr),
        )
        done.touch()
    return exams_of(run)


def _gone(run: Path) -> float:
    """Seconds of training so far."""
    found = exams_of(run)
    return found[-1].seconds if found else 0.0


def compare(
    folder: Path, variants: Sequence[str], seeds: Sequence[int], seconds: float
) -> list[Exam]:
    """Trains what is not there yet; a row for each variant."""
    found: list[Exam] = []
    for variant in variants:
        for seed in seeds:
            found += trained(folder, variant, seed, seconds)
    head(("trained", "seeds", "moves", "exam, first", "exam, last", "spread of the last"))
    for cells in summary(found, variants):
        line(cells)
    return found


def summary(exams: Sequence[Exam], variants: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Means over seeds of the first examination and of the last three."""
    for variant in variants:
        word = variant.replace(" ", "-")
        runs = sorted({e.run for e in exams if e.run.rpartition("-")[0] == word})
        mine = [[e for e in exams if e.run == run] for run in runs]
        if not mine:
            continue
        first = mean(each[0].exam for each in mine)
        last = [mean(e.exam for e in each[-3:]) for each in mine]
        spread = stdev(last) if len(last) > 1 else 0.0
        moves = mean(each[-1].moves for each in mine)
        figures = (f"{moves:,.0f}", f"{first:.3f}", f"{mean(last):.3f}", f"{spread:.3f}")
        yield (variant, str(len(runs)), *figures)
