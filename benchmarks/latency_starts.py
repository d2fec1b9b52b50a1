"""What a start is worth to annealing: `python -m benchmarks.latency_starts --folder F [WORD ...]`.

For every NAME.problem.json of the folder whose name has one of the words (all, if there are none):
the microseconds of each kind of start, and those after a fixed number of moves from there, so that
the machine's speed has no part in it. `above`: what the best of them is above the bound of the
problem's own order.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cosmalloc.greedy import solve as greedy
from cosmalloc.interchange import read_problem
from cosmalloc.latency.anneal import Annealing, anneal
from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.starts import Start, decided, planned, programmed
from cosmalloc.problem import Problem

KINDS = ("msa", "greedy", "relaxation", "branch and bound")


def starts_of(drafting: Drafting, seconds: float) -> tuple[dict[str, Start], float]:
    """By kind, and the bound."""
    problem = drafting.problem
    found: dict[str, Start | None] = {"msa": decided(drafting)}
    plan = greedy(problem, objective="latency", seconds=seconds).plan
    found["greedy"] = planned(drafting, [] if plan is None else [plan])
    least = 0.0
    for kind, (start, proven) in zip(KINDS[2:], programmed(drafting, seconds, 0), strict=False):
        found[kind] = start
        least = proven
    return {kind: start for kind, start in found.items() if start is not None}, least


def cells(problem: Problem, moves: int, seconds: float) -> Iterator[str]:
    """From each kind of start: before -> after."""
    drafting = Drafting.of(problem)
    starts, least = starts_of(drafting, seconds)
    best = min(start.latency for start in starts.values())
    for kind in KINDS:
        if kind not in starts:
            yield "-"
            continue
        start = starts[kind]
        how = Annealing(hot=start.hot, moves=moves)
        found = anneal(drafting, start.rows, seconds=3600, how=how)
        best = min(best, found.latency)
        yield f"{start.latency * 1e6:,.1f} → {found.latency * 1e6:,.1f}"
    yield f"{best / least - 1:.1%}" if least > 0 else "-"


def names(folder: Path, words: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.problem.json")):
        name = path.name.removesuffix(".problem.json")
        if not words or any(word in name for word in words):
            yield name, path


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--moves", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="for the program's starts")
    options = parser.parse_args(words)
    head = ("program", *KINDS, "above")
    print(f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n", flush=True)
    for name, path in names(options.folder, options.words):
        row = cells(read_problem(path), options.moves, options.seconds)
        print(f"| {' | '.join([name, *row])} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
