"""Training steps and transformers of 1,000 to 5,000 operators: `greedy` beside `ilp`.

    python -m benchmarks.cosma_large [--seconds 10,60] [--track all] [--json FILE] [NAME ...]

One operator per node of the graph (`--group single`), float32. Budgets: M_R the largest operands
and results of one operator, M_P the least footprint of the orders known (source order, those of
`cosmalloc.ilp.orders`, and the least of all where it is found in 10 s), M_H their mean. Traffic is
non-compulsory; gap: (ours - bound) / ours. `verify` judges every plan. A row takes the seconds
asked for, together; all rows about 45 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

from benchmarks.large_models import MODELS, problem_of
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.orders import orders
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.lifetimes import alive_bytes, lifetimes, source_order
from cosmalloc.passes.reading import Tracking
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem
from cosmalloc.sizes import format_bytes
from cosmalloc.solve import solve
from cosmalloc.working_set import working_set_bytes

TRACKINGS: tuple[Tracking, ...] = ("activations", "all")
SEARCH = 10.0  # seconds for the least footprint
HEAD = ("network", "tracked", "budget", "bytes", "operators", "tensors", "greedy", "s")


@dataclass(frozen=True)
class Answer:
    """value, bound: bytes, None where there is no plan. seconds: taken, of `limit`."""

    solver: str
    limit: float
    value: float | None
    bound: float | None
    status: str
    seconds: float

    @classmethod
    def of(cls, outcome: Outcome, solver: str, limit: float) -> Answer:
        return cls(solver, limit, outcome.value, outcome.bound, outcome.status, outcome.seconds)

    @property
    def gap(self) -> float | None:
        if self.value is None or self.bound is None:
            return None
        return 1 - self.bound / self.value if self.value else 0.0


@dataclass(frozen=True)
class Row:
    """One problem. ours: an answer per time limit."""

    network: str
    tracked: str
    budget: str
    scratchpad: int
    operators: int
    tensors: int
    greedy: Answer
    ours: tuple[Answer, ...]

    @property
    def worse(self) -> bool:
        """Whether `greedy` has a plan and one of ours is worse, or missing."""
        value = self.greedy.value
        return value is not None and any(a.value is None or a.value > value for a in self.ours)

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        first = (self.network, self.tracked, self.budget, f"{self.scratchpad:,}")
        counts = (f"{self.operators:,}", f"{self.tensors:,}")
        greedy = (_cell(self.greedy.value), f"{self.greedy.seconds:.1f}")
        rest = [cell for answer in self.ours for cell in _answer(answer)]
        return (*first, *counts, *greedy, *rest)


def _answer(answer: Answer) -> tuple[str, ...]:
    gap = "-" if answer.gap is None else f"{answer.gap:.1%}" if answer.gap else "0"
    return _cell(answer.value), _cell(answer.bound), gap, f"{answer.seconds:.1f}"


def _cell(count: float | None) -> str:
    return "-" if count is None else format_bytes(round(count)) if count else "0"


def budgets(problem: Problem) -> Iterator[tuple[str, int]]:
    """M_R, M_H, M_P in bytes."""
    m_r = max(working_set_bytes(problem, o) for o in range(len(problem.operators)))
    low = lowest_order(facts_of(problem), SEARCH)
    tried = [source_order(problem), *orders(problem), *([low.order] if low.order else [])]
    m_p = min(int(alive_bytes(problem, lifetimes(problem, order)).max()) for order in tried)
    yield from (("M_R", m_r), ("M_H", (m_r + m_p) // 2), ("M_P", m_p))


def rows(name: str, tracked: Tracking, limits: Sequence[float]) -> Iterator[Row]:
    """The three budgets of one network."""
    roomy = problem_of(name, tracked)
    for budget, size in budgets(roomy):
        problem = replace(roomy, target=replace(roomy.target, scratchpad_bytes=size))
        greedy = Answer.of(solve(problem, solver="greedy"), "greedy", 10.0)
        ours = [Answer.of(solve(problem, solver="ilp", seconds=s), "ilp", s) for s in limits]
        counts = len(problem.operators), sum(tensor.tracked for tensor in problem.tensors)
        yield Row(name, tracked, budget, size, *counts, greedy, tuple(ours))


def summary(found: Sequence[Row], limits: Sequence[float]) -> Iterator[str]:
    """Per time limit how much less is moved than by `greedy`, and the gaps."""
    for k, limit in enumerate(limits):
        pairs = [(row.greedy.value, row.ours[k]) for row in found if row.greedy.value]
        shares = [1 - (ours.value or 0) / value for value, ours in pairs if value]
        gaps = [row.ours[k].gap or 0.0 for row in found]
        worse, proven = sum(row.worse for row in found), sum(gap == 0 for gap in gaps)
        if shares:
            yield (
                f"{limit:g} s: {mean(shares):.1%} fewer bytes than greedy over {len(shares)} rows,"
                f" {worse} worse; mean gap {mean(gaps):.1%}, {proven} of {len(gaps)} proven"
            )


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--seconds", default="10,60", help="time limits, default 10,60")
    parser.add_argument("--track", choices=TRACKINGS, help="default: both")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    unknown = sorted(set(options.names) - set(MODELS))
    if unknown:
        parser.error(f"there is no network `{unknown[0]}`, use {', '.join(MODELS)}")
    limits = [float(word) for word in options.seconds.split(",")]
    head = [*HEAD, *(c for s in limits for c in (f"ilp {s:g} s", "bound", "gap", "s"))]
    print(f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n", flush=True)
    found = []
    for name in options.names or MODELS:
        for tracked in (options.track,) if options.track else TRACKINGS:
            for row in rows(name, tracked, limits):
                print(f"| {' | '.join(row.cells())} |", flush=True)
                found.append(row)
    print(*summary(found, limits), sep="\n")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return int(any(row.worse for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
