"""Training from nothing, seed by seed, and with one of its means left out, for benchmarks.agent.

A run is a folder VARIANT-SEED; one that was ended goes on, one that had its seconds is not run
again. The exam is of families that nobody trains on: the likeliest game, without search, over the
better of `msa` and `greedy`; one row after the first round shows an agent that knows nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

from benchmarks.agent_curves import Exam, exams_of
from benchmarks.agent_players import head, line
from cosmalloc.rl_agent.actor import Playing
from cosmalloc.rl_agent.curriculum import TRAINED, at_shares, models
from cosmalloc.rl_agent.mapping_arena import Rules
from cosmalloc.rl_agent.network_file import read_network
from cosmalloc.rl_agent.school import LIKELIEST, Examination
from cosmalloc.rl_agent.training import Asked, train_on
from examples.models.export import ARTIFACTS

BASE = Asked(examine=5, lessons=15, cuttings=100, families=60, teach_seconds=0.5, longest=600)
VARIANTS: dict[str, Asked] = {
    "agent": BASE,
    "no imitation": replace(BASE, lessons=0),
    "imitation alone": replace(BASE, lessons=10**9),
    "no search": replace(BASE, mode="policy"),
    "no graph": replace(BASE, graph=False),
}
EXAMS = ("transformer_layer", "unet", "mobilenet_v2", "decode_step")
LOOKING = Playing("game", 8, temperature=0.0)  # a search at each move
NETWORK = "network.safetensors"  # of a run that had its seconds


def trained(folder: Path, variant: str, seed: int, seconds: float) -> list[Exam]:
    """The examinations of a run that has had its seconds."""
    run = folder / f"{variant.replace(' ', '-')}-{seed}"
    if not (run / NETWORK).exists():
        train_on(
            models(TRAINED, ARTIFACTS),
            models(EXAMS, ARTIFACTS),
            run,
            replace(VARIANTS[variant], seed=seed),
            seconds=seconds - _gone(run),
            output=run / NETWORK,
            progress=lambda words, share: print(f"{run.name} {share:.0%} {words}", file=sys.stderr),
        )
    return exams_of(run)


def _gone(run: Path) -> float:
    """Seconds of training so far."""
    found = exams_of(run)
    return found[-1].seconds if found else 0.0


class End(NamedTuple):
    """What a trained network is worth: the exam by its likeliest games, and by games of search."""

    likeliest: float
    searched: float


def ends_of(folder: Path, names: Iterable[str]) -> dict[str, End]:
    """By the names of runs that have had their seconds."""
    exam = Examination(at_shares(models(EXAMS, ARTIFACTS)), Rules())
    found = {}
    for name in names:
        network = read_network(folder / name / NETWORK)[0]
        values = [float(exam.shares(network, how=how).mean()) for how in (LIKELIEST, LOOKING)]
        found[name] = End(*values)
    return found


def compare(
    folder: Path, variants: Sequence[str], seeds: Sequence[int], seconds: float
) -> list[Exam]:
    """Trains what is not there yet; a row for each variant."""
    found: list[Exam] = []
    for variant in variants:
        for seed in seeds:
            found += trained(folder, variant, seed, seconds)
    runs = dict.fromkeys(each.run for each in found)
    head(("trained", "seeds", "moves", "exam, first", "exam, end", "exam, end, with search"))
    for cells in summary(found, ends_of(folder, runs), variants):
        line(cells)
    return found


def summary(
    exams: Sequence[Exam], ends: Mapping[str, End], variants: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Means over seeds and how far they are apart (standard deviation)."""
    for variant in variants:
        word = variant.replace(" ", "-")
        runs = sorted({e.run for e in exams if e.run.rpartition("-")[0] == word})
        if not runs:
            continue
        mine = [[e for e in exams if e.run == run] for run in runs]
        moves = mean(each[-1].moves for each in mine)
        yield (
            variant,
            str(len(runs)),
            f"{moves:,.0f}",
            _spread([each[0].exam for each in mine]),
            _spread([ends[run].likeliest for run in runs]),
            _spread([ends[run].searched for run in runs]),
        )


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values) if len(values) > 1 else 0.0:.3f}"
