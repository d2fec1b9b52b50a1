"""The solver `ilp` against brute force over orders, offsets and replacement."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

from cosmalloc.greedy import solve as greedy
from cosmalloc.ilp import phases, solve
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.floor import floor_of_all_orders
from cosmalloc.problem import Problem
from cosmalloc.traffic import peak, traffic
from cosmalloc.verify import verify
from tests.nets import chain, with_scratchpad
from tests.oracle import least_peak, least_traffic, topological_orders
from tests.strategies import problems

SMALL = problems(rules=["resident"], most_operators=5, most_reads=3, most_spare=0)
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ORDERS = 12  # at most, for brute force


@SLOW
@given(problem=SMALL)
def test_bound_optimum_plan_and_greedy_stand_in_this_order(problem: Problem) -> None:
    orders = list(topological_orders(problem))
    assume(len(orders) <= ORDERS)
    found = [least_traffic(problem, order) for order in orders]
    least = min((each[0] for each in found if each is not None), default=None)
    outcome = solve(problem, seconds=5)
    if least is None:
        assert outcome.plan is None
        return
    assert outcome.plan is not None
    assert outcome.bound is not None
    assert verify(problem, outcome.plan) == []
    value = traffic(problem, outcome.plan).non_compulsory
    assert outcome.bound <= least <= value == outcome.value
    assert floor_of_all_orders(facts_of(problem), 5) <= least
    if outcome.status == "optimal":
        assert value == least
    first = greedy(problem)
    assert first.value is None or value <= first.value


@SLOW
@given(problem=SMALL)
def test_the_lowest_peak_is_that_of_brute_force(problem: Problem) -> None:
    orders = list(topological_orders(problem))
    assume(len(orders) <= ORDERS)
    found = [least_peak(problem, order) for order in orders]
    least = min((each for each in found if each is not None), default=None)
    outcome = solve(problem, objective="peak", seconds=5)
    if outcome.plan is None:
        assert least is None or outcome.status == "unknown"
        return
    assert verify(problem, outcome.plan) == []
    assert outcome.bound is not None
    assert least is not None
    assert outcome.bound <= least <= peak(problem, outcome.plan) == outcome.value


@SLOW
@given(problem=problems(rules=["anywhere"]))
def test_under_the_other_rule_the_plan_is_legal_and_no_worse(problem: Problem) -> None:
    outcome = solve(problem, seconds=1)
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []


def test_ctrl_c_ends_with_the_best_plan_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "beam", interrupt)
    problem = with_scratchpad(chain(60, 1), 14_016)
    outcome = solve(problem)
    assert outcome.status == "feasible"
    assert outcome.value == greedy(problem).value


def test_without_time_it_is_the_first_plan_with_a_bound() -> None:
    outcome = solve(with_scratchpad(chain(200, 1), 14_016), seconds=0)
    assert outcome.plan is not None
    assert outcome.bound is not None
