"""The door to the solvers: what it refuses, what it lets through."""

from __future__ import annotations

import pytest

from cosmalloc import auto
from cosmalloc.errors import InputError
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.solve import SOLVERS, FaultyPlanError, solve, solver_named
from tests.nets import chain, with_scratchpad


def faulty(
    problem: Problem, *, objective: Objective, seconds: float, seed: int, progress: object
) -> Outcome:
    """A solver that forgets everything but the order."""
    plan = Plan(tuple(range(len(problem.operators))))
    return Outcome(problem.name, "faulty", "feasible", objective, plan, 0, 0)


def test_a_solver_nobody_knows_is_an_input_error() -> None:
    with pytest.raises(InputError, match="there is no solver `magic`") as caught:
        solve(chain(2), solver="magic")
    assert caught.value.hint.startswith("use auto, greedy")


def test_an_objective_nobody_knows_is_an_input_error() -> None:
    with pytest.raises(InputError, match="there is no objective `beauty`"):
        solve(chain(2), objective="beauty")  # type: ignore[arg-type]


def test_less_than_no_time_is_an_input_error() -> None:
    with pytest.raises(InputError, match="a solver can't have -1 seconds"):
        solve(chain(2), seconds=-1)


def test_a_plan_with_faults_is_our_bug_and_never_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVERS, "faulty", f"{__name__}:faulty")
    with pytest.raises(FaultyPlanError, match=r"solver `faulty` made a plan of `chain3` with \d+"):
        solve(with_scratchpad(chain(3), 10_000), solver="faulty")


def test_auto_is_a_solver() -> None:
    assert solver_named("auto") is auto.solve


def test_the_outcome_tells_how_long_it_took() -> None:
    assert solve(with_scratchpad(chain(3), 10_000)).seconds > 0
