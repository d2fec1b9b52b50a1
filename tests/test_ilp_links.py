"""The integer program over links against brute force and the search, in one order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.links import best_replacement
from cosmalloc.ilp.search import best_first
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests.nets import chain, with_scratchpad
from tests.oracle import least_traffic
from tests.strategies import problems

SMALL = problems(rules=["resident"], most_operators=6, most_reads=3, most_spare=0)
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(problem=SMALL)
def test_in_one_order_it_brackets_brute_force(problem: Problem) -> None:
    order = source_order(problem)
    best = least_traffic(problem, order)
    found = best_replacement(problem, order, 5)
    if found.plan is None:
        assert best is None or not found.proven
        return
    assert best is not None
    assert found.plan.order == order
    assert verify(problem, found.plan) == []
    value = traffic(problem, found.plan).non_compulsory
    assert found.bound <= best[0] <= value
    if found.proven:
        assert value == best[0]


@pytest.mark.parametrize("size", [9_600, 14_016])
@pytest.mark.parametrize("seed", range(3))
def test_program_and_search_prove_the_same_on_a_chain(size: int, seed: int) -> None:
    problem = with_scratchpad(chain(60, seed), size)
    order = source_order(problem)
    searched = best_first(facts_of(problem), 20, 2**60, order)
    found = best_replacement(problem, order, 20)
    assert searched.path is not None
    assert found.plan is not None
    assert verify(problem, found.plan) == []
    assert searched.proven
    assert found.proven
    assert traffic(problem, found.plan).non_compulsory == found.bound == searched.bound


def test_a_hint_changes_nothing_but_the_time() -> None:
    problem = with_scratchpad(chain(60, 1), 9_600)
    order = source_order(problem)
    plain = best_replacement(problem, order, 20)
    assert plain.plan is not None
    hinted = best_replacement(problem, order, 20, hint=plain.plan)
    assert hinted.plan is not None
    assert hinted.bound == plain.bound
