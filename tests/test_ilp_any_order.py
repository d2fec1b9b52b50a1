"""Bounds for every order: below every plan, whatever its order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.ilp.any_order import latency_floor, traffic_floor
from cosmalloc.ilp.latency import latency_bound
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.traffic import traffic
from tests import oracle
from tests.nets import chain, with_scratchpad
from tests.small import operator, problem, tensor, toy
from tests.strategies import problems
from tests.test_in_place import updating
from tests.widen import widened

SMALL = st.one_of(problems(most_spare=3, most_room=12), updating())
SLACK = 1 + 1e-9


@settings(max_examples=80, deadline=None)
@given(given=SMALL, seed=st.integers(0, 2**32))
def test_no_plan_is_below_the_floors(given: Problem, seed: int) -> None:
    seconds, moved = latency_floor(given, 5), traffic_floor(given, 5)
    for k in range(12):
        plan = oracle.random_plan(given, seed + k)
        if plan is None:
            return
        assert seconds <= simulate(given, widened(given, plan, seed)).latency * SLACK
        assert moved <= traffic(given, plan).non_compulsory


@settings(max_examples=25, deadline=None)
@given(given=st.one_of(problems(most_operators=4, most_room=7), updating(most_operators=3)))
def test_the_least_of_all_orders_is_not_below_the_floor(given: Problem) -> None:
    moved = traffic_floor(given, 5)
    for order in oracle.topological_orders(given):
        best = oracle.least_traffic(given, order)
        assert best is None or moved <= best[0]


def test_on_a_chain_the_floor_of_latency_is_near_the_bound_of_its_order() -> None:
    given = with_scratchpad(chain(40), 9_600)
    order = latency_bound(given, source_order(given), 5)
    assert 0.5 * order <= latency_floor(given, 5) <= order * SLACK


def test_what_is_alive_in_every_order_and_has_no_room_is_counted() -> None:
    """a, 2 bytes, waits while c is made of b, 8 bytes each."""
    tensors = [tensor("x", 1, "input"), tensor("a", 2), tensor("b", 8), tensor("c", 8)]
    tensors += [tensor("y", 1, "output")]
    made = [
        operator(tensors, [0], [1]),
        operator(tensors, [1], [2]),
        operator(tensors, [2], [3]),
        operator(tensors, [1, 3], [4]),
    ]
    assert traffic_floor(problem(toy(18), tensors, made), 5) == 0
    assert traffic_floor(problem(toy(17), tensors, made), 5) == 4
    assert traffic_floor(problem(toy(17, "anywhere"), tensors, made), 5) == 4
