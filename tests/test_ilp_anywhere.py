"""Under `anywhere`: the least traffic and the lowest peak, against brute force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.ilp.anywhere import best_access
from cosmalloc.ilp.few_orders import few_orders
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import OBJECTIVES, Objective
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.target import Target
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests import oracle
from tests.strategies import problems
from tests.test_in_place import updating

SMALL = st.one_of(problems(rules=["anywhere"], most_spare=3, most_room=9), updating())
TINY = st.one_of(
    problems(rules=["anywhere"], most_operators=4, most_room=7), updating(most_operators=3)
)


@settings(max_examples=80, deadline=None)
@given(given=SMALL)
def test_the_least_traffic_of_an_order_is_that_of_brute_force(given: Problem) -> None:
    order = source_order(given)
    best = oracle.least_traffic(given, order)
    found = best_access(given, order, 5)
    assert best is not None
    assert found.bound <= best[0]
    if found.plan is not None:
        assert verify(given, found.plan) == []
        assert found.plan.order == order
        assert traffic(given, found.plan).non_compulsory >= best[0]
    if found.proven:
        assert found.plan is not None
        assert found.bound == best[0] == traffic(given, found.plan).non_compulsory
    if all(tensor.alias_group is None for tensor in given.tensors):
        assert found.proven


def test_a_result_takes_the_bytes_of_the_operand_that_is_on_chip() -> None:
    """Either of two operands may be updated: the larger first is not the one that pays."""
    target = Target("toy", 2, 1, "anywhere", 0.5, 0.5, 0.5, 0.5)
    x = Tensor("x", 2, "intermediate", alias_group=0)
    tensors = (replace(x, kind="input"), x, x, x)
    nodes = (
        Operator("o0", "toy", (), (1,), (), (1,), 0.0),
        Operator("o1", "toy", (0, 1), (2,), (1, 1), (1,), 0.0),
        Operator("o2", "toy", (0, 1), (3,), (1, 1), (1,), 0.0),
    )
    given = Problem("updates", target, tensors, nodes)
    found = best_access(given, (0, 1, 2), 5)
    assert found.plan is not None
    assert verify(given, found.plan) == []
    assert found.bound <= traffic(given, found.plan).non_compulsory == 1


def test_where_nothing_is_tracked_nothing_is_moved() -> None:
    target = Target("toy", 0, 1, "anywhere", 0.5, 0.5, 0.5, 0.5)
    ends = (Tensor("x", 1, "input", tracked=False), Tensor("y", 1, "intermediate", tracked=False))
    given = Problem("empty", target, ends, (Operator("o", "toy", (0,), (1,), (1,), (1,), 0.0),))
    found = best_access(given, (0,), 5)
    assert found.proven
    assert found.plan is not None
    assert found.bound == 0


def test_a_use_at_the_edge_of_what_does_not_fit_may_go_itself() -> None:
    """Of two tensors one fits; what is on chip in step 0 may go before step 1."""
    target = Target("toy", 5, 4, "anywhere", 0.5, 0.5, 0.5, 0.5)
    made, read = Tensor("x", 2, "intermediate"), Tensor("x", 2, "input")
    nodes = (
        Operator("o0", "toy", (0, 1), (2, 3), (1, 1), (1, 1), 0.0),
        Operator("o1", "toy", (0, 1), (4,), (1, 2), (1,), 0.0),
    )
    given = Problem("edge", target, (read, read, made, made, made), nodes)
    found = best_access(given, (0, 1), 5)
    assert found.plan is not None
    assert found.proven
    assert found.bound == traffic(given, found.plan).non_compulsory == 2


@settings(max_examples=25, deadline=None)
@given(given=TINY)
def test_the_solver_finds_the_least_traffic_of_all_orders(given: Problem) -> None:
    outcome = solve(given, solver="ilp", seconds=8)
    found = [oracle.least_traffic(given, order) for order in oracle.topological_orders(given)]
    least = min(best[0] for best in found if best is not None)
    assert outcome.value is not None
    assert outcome.bound is not None
    assert outcome.bound <= least <= outcome.value
    if all(tensor.alias_group is None for tensor in given.tensors):
        assert outcome.status == "optimal"


@settings(max_examples=25, deadline=None)
@given(given=TINY)
def test_the_solver_finds_the_lowest_peak_of_all_orders(given: Problem) -> None:
    outcome = solve(given, solver="ilp", objective="peak", seconds=4)
    orders = oracle.topological_orders(given)
    found = [p for p in (oracle.least_peak(given, order) for order in orders) if p is not None]
    if outcome.value is not None and outcome.bound is not None:
        assert outcome.bound <= min(found) <= outcome.value
    if outcome.status == "infeasible":
        assert not found


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=25, deadline=None)
@given(given=st.one_of(problems(), updating()), seed=st.integers(0, 2**32))
def test_no_plan_of_any_order_is_below_the_solvers_bound(
    objective: Objective, given: Problem, seed: int
) -> None:
    outcome = solve(given, solver="ilp", objective=objective, seconds=2, seed=seed)
    plan = oracle.random_plan(given, seed)
    if outcome.status == "infeasible" and objective != "peak":
        assert plan is None
    if plan is not None and outcome.bound is not None:
        if objective == "latency":
            assert outcome.bound <= simulate(given, plan).latency * (1 + 1e-9)
        if objective == "traffic":
            assert outcome.bound <= traffic(given, plan).non_compulsory


@settings(max_examples=60, deadline=None)
@given(given=problems())
def test_few_orders_are_all_orders(given: Problem) -> None:
    found = few_orders(given, 200)
    assert found is not None
    assert sorted(found) == sorted(oracle.topological_orders(given))
    if len(found) > 1:
        assert few_orders(given, len(found) - 1) is None
