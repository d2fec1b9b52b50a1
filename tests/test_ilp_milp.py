"""Solvers of integer programs: HiGHS and CBC say the same, and nothing is believed unchecked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pulp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.ilp import milp, solve
from cosmalloc.ilp.cosma import solve_cosma
from cosmalloc.ilp.cover import Cover
from cosmalloc.ilp.covering import covering_bound
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.links import best_replacement
from cosmalloc.ilp.milp import Milp, Solved, checked, installed, solve_model, using
from cosmalloc.lifetimes import source_order
from cosmalloc.verify import verify
from tests.nets import chain, with_scratchpad

SOLVERS: tuple[Milp, ...] = ("highs", "cbc")
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(params=SOLVERS)
def solver(request: pytest.FixtureRequest) -> Iterator[Milp]:
    with using(request.param):
        yield request.param


def knapsack() -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """min 5 a + 4 b + 3 c, 2 a + 3 b + c >= 4: b and c, 7."""
    model = pulp.LpProblem("knapsack", pulp.LpMinimize)
    a, b, c = (model.add_variable(name, 0, 1, pulp.LpInteger) for name in "abc")
    model += 5 * a + 4 * b + 3 * c
    model += 2 * a + 3 * b + c >= 4
    return model, [a, b, c]


def test_both_solvers_are_here_and_highs_comes_first() -> None:
    assert installed("auto") == "highs"
    assert [installed(name) for name in SOLVERS] == ["highs", "cbc"]


def test_an_optimum_is_proven(solver: Milp) -> None:
    model, variables = knapsack()
    assert solve_model(model, 10) == Solved("optimal", 7.0, 7.0)
    assert [v.value() for v in variables] == [0, 1, 1]


def test_a_start_is_taken(solver: Milp) -> None:
    model, (a, b, _) = knapsack()
    assert solve_model(model, 10, {a: 1.0, b: 1.0}).value == 7


def test_a_model_without_solution_is_infeasible(solver: Milp) -> None:
    model, (a, _, _) = knapsack()
    model += 2 * a >= 3
    assert solve_model(model, 10).ending == "infeasible"


def test_without_a_solver_the_ending_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milp.importlib.util, "find_spec", lambda name: None)
    model, _ = knapsack()
    assert solve_model(model, 10) == Solved("missing", math.inf, -math.inf)
    problem = with_scratchpad(chain(8, 1), 9_600)
    outcome = solve_cosma(problem, 10)
    assert outcome.status == "unknown"
    assert outcome.reason.startswith("no solver of integer programs is installed")
    assert covering_bound(facts_of(problem), 1) == 0


def test_without_highs_cbc_steps_in(monkeypatch: pytest.MonkeyPatch) -> None:
    found = milp.importlib.util.find_spec
    monkeypatch.setattr(
        milp.importlib.util, "find_spec", lambda name: None if name == "highspy" else found(name)
    )
    assert installed("auto") == "cbc"
    model, _ = knapsack()
    assert solve_model(model, 10).value == 7
    problem = with_scratchpad(chain(60, 1), 14_016)
    outcome = solve(problem, seconds=5)
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(InputError, match="there is no MILP solver `gurobi`"), using("gurobi"):  # type: ignore[arg-type]
        pass


def test_a_solution_that_breaks_a_row_in_whole_numbers_is_doubtful() -> None:
    model, (a, b, c) = knapsack()
    a.varValue, b.varValue, c.varValue = 0.4999, 1.0, 0.0
    assert checked(model, Solved("optimal", 6.5, 6.5)).ending == "doubtful"


def test_a_value_that_was_rounded_away_is_no_optimum() -> None:
    model, (a, b, c) = knapsack()
    a.varValue, b.varValue, c.varValue = 1.0, 1.0, 0.0
    assert checked(model, Solved("optimal", 7.0, 7.0)) == Solved("feasible", 9.0, 7.0)


def test_what_is_whole_but_for_noise_stands() -> None:
    model, (a, b, c) = knapsack()
    a.varValue, b.varValue, c.varValue = 1e-9, 1 - 1e-9, 1.0
    assert checked(model, Solved("optimal", 7.0000001, 7.0000001)) == Solved("optimal", 7.0, 7.0)
    assert (a.value(), b.value()) == (0, 1)


@pytest.mark.parametrize("seed", range(2))
def test_both_solvers_prove_the_same_replacement(seed: int) -> None:
    problem = with_scratchpad(chain(40, seed), 9_600)
    found = []
    for name in SOLVERS:
        with using(name):
            found.append(best_replacement(problem, source_order(problem), 20))
    assert found[0].proven
    assert found[1].proven
    assert found[0].bound == found[1].bound


@SLOW
@given(data=st.data())
def test_a_cover_never_proves_too_much(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 5))
    sizes = st.integers(-(2**35), 2**40)
    cost = data.draw(st.lists(st.integers(0, 2**40), min_size=count, max_size=count))
    rows = data.draw(
        st.lists(
            st.tuples(st.lists(sizes, min_size=count, max_size=count), st.integers(0, 2**41)),
            min_size=1,
            max_size=4,
        )
    )
    cover = Cover(np.array(cost, np.int64))
    for weights, least in rows:
        cover.add(np.arange(count), np.array(weights, np.int64), least)
    best = None
    for code in range(2**count):
        x = [code >> k & 1 for k in range(count)]
        if all(sum(w * v for w, v in zip(ws, x, strict=True)) >= least for ws, least in rows):
            value = sum(c * v for c, v in zip(cost, x, strict=True))
            best = value if best is None else min(best, value)
    if cover.solve(5) and best is not None:
        assert 0 <= cover.proven() <= best


def test_a_cover_proves_its_optimum_where_that_is_whole() -> None:
    cover = Cover(np.array([5, 4, 3]))
    cover.add(np.array([0, 1]), np.array([1, 1]), 1)
    cover.add(np.array([1, 2]), np.array([1, 1]), 1)
    assert cover.solve(5)
    assert cover.proven() == 4
    assert Fraction(cover.x[1]) == 1
