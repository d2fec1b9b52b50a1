"""The literal COSMA model against brute force, and the practical solver against both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.ilp import solve
from cosmalloc.ilp.cosma import lowest_peak, solve_cosma
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.lifetimes import alive_bytes, lifetimes
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests.nets import chain
from tests.oracle import least_traffic, topological_orders
from tests.strategies import problems


def without_groups(problem: Problem) -> Problem:
    """The common ground: the paper has no results in place."""
    return replace(
        problem, tensors=tuple(replace(tensor, alias_group=None) for tensor in problem.tensors)
    )


SMALL = problems(rules=["resident"], most_operators=5, most_reads=3, most_spare=0).map(
    without_groups
)
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(problem=SMALL)
def test_the_literal_model_is_brute_force_over_all_orders(problem: Problem) -> None:
    orders = list(topological_orders(problem))
    assume(len(orders) <= 12)
    found = [least_traffic(problem, order) for order in orders]
    least = min((each[0] for each in found if each is not None), default=None)
    outcome = solve_cosma(problem, 20)
    assert outcome.value == least
    if outcome.plan is not None:
        assert outcome.status == "optimal"
        assert verify(problem, outcome.plan) == []
        assert traffic(problem, outcome.plan).non_compulsory == least


@SLOW
@given(problem=SMALL, data=st.data())
def test_with_a_schedule_given_it_is_brute_force_in_that_order(
    problem: Problem, data: st.DataObject
) -> None:
    order = data.draw(st.sampled_from(list(topological_orders(problem))))
    best = least_traffic(problem, order)
    outcome = solve_cosma(problem, 20, order)
    assert outcome.value == (None if best is None else best[0])
    if outcome.plan is not None:
        assert outcome.plan.order == order
        assert verify(problem, outcome.plan) == []


@SLOW
@given(problem=problems(rules=["resident"], most_alignment=1).map(without_groups))
def test_the_lowest_order_has_the_peak_of_the_literal_variant(problem: Problem) -> None:
    peak, order = lowest_peak(problem, 20)
    found = lowest_order(facts_of(problem), 20)
    assert peak == found.load == found.bound
    assert found.order is not None
    for each in (order, found.order):
        assert alive_bytes(problem, lifetimes(problem, each)).max() == peak


@SLOW
@given(problem=SMALL)
def test_the_practical_solver_brackets_the_literal_optimum(problem: Problem) -> None:
    literal, outcome = solve_cosma(problem, 20), solve(problem, seconds=5)
    assert (literal.plan is None) == (outcome.plan is None)
    if outcome.value is not None:
        assert outcome.bound is not None
        assert literal.value is not None
        assert outcome.bound <= literal.value <= outcome.value


def test_the_other_operand_rule_is_refused() -> None:
    problem = chain(2)
    other = replace(problem, target=replace(problem.target, operand_rule="anywhere"))
    with pytest.raises(InputError, match="COSMA wants every operand on chip"):
        solve_cosma(other, 1)
