"""Every solver and baseline on one problem: legal, measured, gaps to one bound, rows kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import cosmalloc.compare as door
from cosmalloc.baselines.named import BASELINES, baseline
from cosmalloc.compare import Row, compare, contestants, with_gaps
from cosmalloc.errors import InputError
from cosmalloc.interchange import write_problem
from cosmalloc.plan import OBJECTIVES, Objective
from cosmalloc.problem import Problem
from cosmalloc.solve import SOLVERS
from cosmalloc.verify import verify
from tests.command import cosmalloc
from tests.nets import chain, tangle, with_scratchpad
from tests.strategies import problems

SMALL = with_scratchpad(chain(30, seed=3), 9_000)
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def rows(problem: Problem, objective: Objective = "traffic", **options: Any) -> tuple[Row, ...]:
    return with_gaps(problem, objective, list(compare(problem, objective=objective, **options)))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_everybody_has_a_row_and_no_value_lies_below_a_bound(objective: Objective) -> None:
    found = rows(SMALL, objective, seconds=0.5)
    assert [row.name for row in found] == [*SOLVERS, *BASELINES]
    least = max((row.bound for row in found if row.bound is not None), default=0)
    for row in found:
        if row.value is not None:
            assert row.value >= least * (1 - 1e-12)
            assert row.gap is not None
            assert 0 <= row.gap < 1 or (row.gap == 1 and least == 0)
        else:
            assert row.reason


def test_a_row_s_numbers_are_those_of_its_objective() -> None:
    for name in ("greedy", "offline-belady"):
        for objective in ("traffic", "latency"):
            (row,) = compare(SMALL, objective=objective, seconds=0.5, names=[name])
            assert row.value == (row.traffic if objective == "traffic" else row.latency)


@pytest.mark.parametrize("name", BASELINES)
@SLOW
@given(problem=problems(rules=["resident"], most_reads=3))
def test_every_baseline_is_legal(name: str, problem: Problem) -> None:
    plan = baseline(problem, name, 1.0)
    assert plan is None or verify(problem, plan) == []


def test_where_operands_may_be_anywhere_the_solvers_compete_alone() -> None:
    problem = tangle(8, seed=1, rule="anywhere")
    assert contestants(problem) == tuple(SOLVERS)
    with pytest.raises(InputError, match="no solver or baseline `online-belady`"):
        list(compare(problem, names=["online-belady"]))


def test_the_gap_is_to_the_largest_bound_that_anybody_proved() -> None:
    lazy = Row("a", "solver", "feasible", value=200.0, bound=0.0)
    exact = Row("b", "solver", "optimal", value=150.0, bound=150.0)
    none = Row("c", "baseline", "unknown")
    gaps = [row.gap for row in with_gaps(SMALL, "traffic", [lazy, exact, none])]
    assert gaps == [0.25, 0.0, None]


def test_the_command_prints_a_table_and_json(tmp_path: Any) -> None:
    write_problem(tmp_path / "p.json", SMALL)
    words = ("compare", tmp_path / "p.json", "--seconds", "0.3", "--only", "greedy,online-belady")
    done = cosmalloc(*words)
    assert done.code == 0
    assert "online-belady" in done.out
    answer = cosmalloc(*words, "--json").json
    assert [row["name"] for row in answer["rows"]] == ["greedy", "online-belady"]
    assert answer["scratchpad_bytes"] == 9_000
    assert not answer["interrupted"]


def test_without_any_plan_the_exit_is_1_and_says_why(tmp_path: Any) -> None:
    write_problem(tmp_path / "p.json", with_scratchpad(SMALL, 10))
    done = cosmalloc("compare", tmp_path / "p.json", "--seconds", "0.1")
    assert done.code == 1
    assert "on chip at once, the scratchpad has 10" in done.err


@pytest.mark.parametrize("swallowed", [False, True])
def test_ctrl_c_keeps_the_rows_done(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, swallowed: bool
) -> None:
    write_problem(tmp_path / "p.json", SMALL)
    real = door.compare

    def pressed(problem: Problem, **options: Any) -> Iterator[Row]:
        if options["names"] == ["ilp"]:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if not swallowed:
                    raise
        yield from real(problem, **options)

    monkeypatch.setattr(door, "compare", pressed)
    done = cosmalloc("compare", tmp_path / "p.json", "--seconds", "0.3", "--json")
    names = [row["name"] for row in done.json["rows"]]
    solvers = list(SOLVERS)
    at = solvers.index("ilp")
    assert names == solvers[: at + 1 if swallowed else at]
    assert done.json["interrupted"]
    assert done.code == 0
    assert f"interrupted: {len(names)} of" in done.err
