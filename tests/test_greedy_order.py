"""Orders near the source order, and what `greedy` gains by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc import solve
from cosmalloc.greedy import solver
from cosmalloc.greedy.moves import early, growth, late
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from tests.nets import tangle, with_scratchpad
from tests.small import operator, problem, tensor, toy
from tests.strategies import problems


def is_topological(found: Problem, order: tuple[int, ...]) -> bool:
    place = {o: step for step, o in enumerate(order)}
    if sorted(order) != list(range(len(found.operators))):
        return False
    return all(place[p] < place[o] for o in order for p in found.predecessors(o))


@settings(deadline=None, max_examples=100)
@given(found=problems())
def test_moves_keep_an_order_topological(found: Problem) -> None:
    source = source_order(found)
    for order in (late(found, source), early(found, source), early(found, late(found, source))):
        assert is_topological(found, order)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), share=st.sampled_from([1.0, 1.1, 1.4]))
def test_another_order_never_costs_traffic(seed: int, share: float) -> None:
    found = tangle(25, seed, "resident")
    least = solve(found, solver="greedy", seconds=0).smallest_scratchpad
    found = with_scratchpad(found, int((least or found.target.scratchpad_bytes) * share))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "nearby", lambda *_: [])
        before = solve(found, solver="greedy", seconds=0.2)
    after = solve(found, solver="greedy", seconds=0.2)
    assert (after.plan is None) == (before.plan is None)
    if before.value is not None:
        assert after.value is not None
        assert after.value <= before.value


def mask_made_long_before_its_use(scratchpad: int) -> Problem:
    """x makes a mask, then a chain of wide tensors, whose end is masked."""
    sizes = [tensor("x", 1, "input"), tensor("mask", 40)]
    sizes += [tensor(f"wide{k}", 50) for k in range(3)] + [tensor("y", 1, "output")]
    made = [operator(sizes, [0], [1], name="mask"), operator(sizes, [0], [2], name="widen")]
    made += [operator(sizes, [k], [k + 1]) for k in (2, 3)]
    made += [operator(sizes, [1, 4], [5], name="masked")]
    return problem(toy(scratchpad), sizes, made)


def test_a_mask_is_made_when_it_is_wanted() -> None:
    found = mask_made_long_before_its_use(101)
    order = late(found, source_order(found))
    assert [found.operators[o].name for o in order[-2:]] == ["mask", "masked"]
    outcome = solve(found, solver="greedy")
    assert (outcome.status, outcome.value) == ("optimal", 0)
    assert outcome.plan is not None
    assert outcome.plan.order == order


def test_the_source_order_stands_where_another_saves_nothing() -> None:
    found = mask_made_long_before_its_use(1000)
    outcome = solve(found, solver="greedy")
    assert outcome.plan is not None
    assert outcome.plan.order == source_order(found)


def test_growth_counts_what_is_left_behind() -> None:
    found = mask_made_long_before_its_use(101)
    place = {o: o for o in range(5)}
    assert [growth(found, place, o) for o in range(5)] == [40, 50 - 1, 0, 0, -90]
