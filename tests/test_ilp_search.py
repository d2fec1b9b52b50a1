"""The native search over states against the one in Python, state by state, and its bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.cosma_random import graph
from cosmalloc.ilp.facts import Facts, facts_of
from cosmalloc.ilp.packing import plan_of_path
from cosmalloc.ilp.search import best_first, cheapest_first
from cosmalloc.ilp.states import search_states
from cosmalloc.ilp.steps import ROOT, Path, successors
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from cosmalloc.working_set import working_set_bytes
from tests.nets import chain, with_scratchpad
from tests.strategies import problems

SMALL = problems(rules=["resident"], most_operators=6, most_reads=3, most_spare=0)
SLOW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FAR = 2**60


def tight(operators: int, seed: int) -> Problem:
    """A random graph in its largest working set."""
    problem = graph(operators, seed)
    return with_scratchpad(problem, max(working_set_bytes(problem, o) for o in range(operators)))


def walkable(facts: Facts, path: Path) -> bool:
    """Whether every step of the path is one of `steps`, and what it pays is what they pay."""
    node = ROOT
    for operator, dropped in zip(path.order, path.drops, strict=True):
        nexts = successors(facts, node, float("inf"), operator)
        here = [each for each in nexts if each.dropped == dropped]
        if not here:
            return False
        node = here[0]
    return node.done == facts.everything and node.paid == path.paid


@SLOW
@given(problem=SMALL)
def test_it_finds_what_the_search_state_by_state_finds(problem: Problem) -> None:
    facts = facts_of(problem)
    slow = cheapest_first(facts, 20, FAR)
    for order in (None, source_order(problem)):
        slow = cheapest_first(facts, 20, FAR, order)
        found = search_states(facts, 20, FAR, order)
        assert found.proven
        assert (found.path is None) == (slow.path is None)
        if found.path is not None and slow.path is not None:
            assert found.path.paid == slow.path.paid == found.bound
            assert walkable(facts, found.path)


@pytest.mark.parametrize("seed", range(6))
def test_with_bounds_and_without_it_proves_the_same(seed: int) -> None:
    facts = facts_of(tight(16, seed))
    slow = cheapest_first(facts, 60, FAR)
    assert slow.proven
    assert slow.path is not None
    for duals, fixing in ((True, True), (True, False), (False, False)):
        found = search_states(facts, 60, FAR, duals=duals, fixing=fixing)
        assert found.proven
        assert found.path is not None
        assert found.path.paid == found.bound == slow.path.paid
        assert walkable(facts, found.path)


@pytest.mark.parametrize("seed", range(4))
def test_a_search_cut_short_brackets_the_best(seed: int) -> None:
    facts = facts_of(tight(24, seed))
    best = search_states(facts, 60, FAR)
    assert best.proven
    assert best.path is not None
    for seconds in (0.0, 0.02, 0.1, 0.3):
        found = search_states(facts, seconds, FAR)
        assert found.bound <= best.path.paid
        assert found.dual <= best.path.paid + 1e-3
        if found.path is not None:
            assert found.path.paid >= best.path.paid
            assert walkable(facts, found.path)


def test_below_the_best_there_is_nothing() -> None:
    facts = facts_of(tight(20, 1))
    best = search_states(facts, 60, FAR)
    assert best.path is not None
    found = search_states(facts, 60, best.path.paid)
    assert found.proven
    assert found.path is None
    assert found.bound == best.path.paid


def test_where_the_lattice_is_too_large_the_search_goes_on_without() -> None:
    facts = facts_of(tight(16, 0))
    found = search_states(facts, 30, FAR, nodes=10)
    assert found.sets == 0
    assert found.proven
    assert found.bound == search_states(facts, 30, FAR).bound


def test_a_walk_of_few_states_finds_a_plan() -> None:
    problem = tight(64, 0)
    facts = facts_of(problem)
    found = search_states(facts, 10, FAR, widest=512, duals=False)
    assert found.path is not None
    assert walkable(facts, found.path)
    plan = plan_of_path(facts, found.path, 5, 0)
    assert plan is not None
    assert verify(problem, plan) == []
    assert traffic(problem, plan).non_compulsory >= found.bound


def test_same_arguments_same_path() -> None:
    facts = facts_of(tight(20, 3))
    first, second = (search_states(facts, 60, FAR) for _ in range(2))
    assert first == replace(second)


def test_a_long_chain_in_its_order_is_proven() -> None:
    problem = with_scratchpad(chain(300, 2), 14_016)
    facts, order = facts_of(problem), source_order(problem)
    found = best_first(facts, 60, FAR, order)
    assert found.proven
    assert found.path is not None
    assert found.path.order == order
    assert found.path.paid == found.bound
