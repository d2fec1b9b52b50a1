"""The baselines of the paper: legal, and never better than a proven optimum."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from cosmalloc.baselines import offline, online
from cosmalloc.baselines.replacement import RULES, Held, Rule, cheapest, victims
from cosmalloc.ilp import solve
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests.nets import chain, with_scratchpad
from tests.strategies import problems

SMALL = problems(rules=["resident"], most_reads=3)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("rule", RULES)
@SLOW
@given(problem=SMALL)
def test_a_baseline_is_legal_and_never_below_the_bound(problem: Problem, rule: Rule) -> None:
    bound = solve(problem, seconds=2).bound
    for plan in (
        online(problem, source_order(problem), rule),
        offline(problem, source_order(problem), rule),
    ):
        if plan is not None:
            assert verify(problem, plan) == []
            assert bound is not None
            assert bound <= traffic(problem, plan).non_compulsory


@pytest.mark.parametrize("rule", RULES)
def test_a_baseline_maps_a_long_chain(rule: Rule) -> None:
    problem = with_scratchpad(chain(200), 12_000)
    for make in (online, offline):
        plan = make(problem, source_order(problem), rule)
        assert plan is not None
        assert verify(problem, plan) == []


def test_the_cheapest_set_is_not_the_greedy_one() -> None:
    held = [Held(0, 10, 9, 10), Held(1, 6, 9, 7), Held(2, 6, 9, 7)]
    assert sorted(cheapest(held, 10)) == [0]
    assert sorted(cheapest(held, 12)) == [1, 2]
    assert victims("belady", held, 10) == [0]
