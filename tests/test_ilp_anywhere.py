"""Under `anywhere`: the least traffic and the lowest peak, against brute force."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.ilp.anywhere import best_access
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests import oracle
from tests.strategies import problems
from tests.test_in_place import updating

SMALL = st.one_of(problems(rules=["anywhere"], most_spare=3, most_room=12), updating())


@settings(max_examples=100, deadline=None)
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
