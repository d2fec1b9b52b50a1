"""The benchmark of reports does what its table says."""

from __future__ import annotations

from benchmarks.report import HEAD, chain, row
from cosmalloc import solve, verify


def test_a_row_is_measured_and_says_what_was_drawn() -> None:
    problem = chain(60)
    outcome = solve(problem, solver="greedy")
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []
    cells = row("c", problem, outcome, 1, None)
    assert len(cells) == len(HEAD)
    assert cells[1:3] == [str(len(outcome.plan.residencies)), str(len(outcome.plan.transfers))]
    size, whole, imports = map(float, cells[3:6])
    assert size > 1
    assert whole > imports > 0
    assert cells[-3:] == ["-"] * 3


def test_the_chain_has_ten_thousand_residencies() -> None:
    plan = solve(chain(), solver="greedy", seconds=1).plan
    assert plan is not None
    assert len(plan.residencies) > 10_000
