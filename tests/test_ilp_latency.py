"""The program of latency: below every plan, whatever it is; and the plans made of it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import ilp_latency
from cosmalloc.errors import InputError
from cosmalloc.greedy import solve as greedy
from cosmalloc.greedy.uses import uses_of
from cosmalloc.ilp.held import asked_steps, hold
from cosmalloc.ilp.latency import best_latency, latency_bound
from cosmalloc.ilp.latency_rows import latency_program
from cosmalloc.ilp.sparse import INF, Sparse
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.target import OPERAND_RULES, OperandRule
from cosmalloc.verify import verify
from tests import oracle
from tests.nets import tangle, with_scratchpad
from tests.small import operator, problem, tensor, toy
from tests.strategies import problems
from tests.test_in_place import updating
from tests.widen import widened

SEEDS = st.integers(0, 2**32)
SLACK = 1 + 1e-9


def plans(given: Problem, seed: int) -> list[Plan]:
    """Legal plans of one order, by random walks."""
    first = oracle.random_plan(given, seed)
    if first is None:
        return []
    found = [widened(given, first, seed + k) for k in range(4)]
    more = (oracle.random_plan(given, seed + k) for k in range(12))
    return found + [widened(given, p, seed) for p in more if p and p.order == first.order]


@settings(max_examples=120, deadline=None)
@given(given=st.one_of(problems(most_spare=3, most_room=14), updating()), seed=SEEDS)
def test_no_legal_plan_is_faster_than_the_bound_of_its_order(given: Problem, seed: int) -> None:
    found = plans(given, seed)
    if found:
        least = latency_bound(given, found[0].order, 5)
        for plan in found:
            assert least <= simulate(given, plan).latency * SLACK


@settings(max_examples=50, deadline=None)
@given(given=st.one_of(problems(most_spare=3, most_room=14), updating()), seed=SEEDS)
def test_a_plan_of_the_program_is_legal_and_no_faster_than_its_bound(
    given: Problem, seed: int
) -> None:
    order = source_order(given)
    plan, least = best_latency(given, order, 2, seed)
    if plan is not None:
        assert plan.order == order
        assert verify(given, plan) == []
        assert least <= simulate(given, plan).latency * SLACK
    if math.isinf(least):
        assert oracle.least_traffic(given, order) is None


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), rule=st.sampled_from(OPERAND_RULES), size=st.integers(10, 40))
def test_larger_programs_too_keep_below_greedy_and_above_the_bounds_by_counting(
    seed: int, rule: OperandRule, size: int
) -> None:
    given = tangle(size, seed, rule)
    outcome = greedy(given, objective="latency", seconds=0.5)
    least = latency_bound(given, source_order(given), 2)
    assert least >= bound(given, "latency")
    if outcome.value is not None:
        assert least <= outcome.value * SLACK


def test_a_copy_that_hides_behind_an_operator_costs_nothing() -> None:
    """x is read for 4 s while 8 s of arithmetic run; y waits for 2 s of w, loaded meanwhile."""
    tensors = [tensor("x", 4, "input"), tensor("w", 2, "weight"), tensor("a", 1), tensor("y", 1)]
    made = [operator(tensors, [0], [2], 8.0), operator(tensors, [1, 2], [3], 0.5)]
    given = problem(toy(8, "anywhere"), tensors, made)
    plan, least = best_latency(given, (0, 1), 30)
    assert plan is not None
    assert simulate(given, plan).latency == pytest.approx(8.5, rel=1e-9)
    assert least == pytest.approx(8.5, rel=1e-6)
    blocked = problem(toy(8, "anywhere", engines=0), tensors, made)
    assert latency_bound(blocked, (0, 1), 30) == pytest.approx(10, rel=1e-6)
    tight = problem(toy(1, "anywhere"), tensors, made)
    assert latency_bound(tight, (0, 1), 30) == pytest.approx(11, rel=1e-6)


def test_a_scratchpad_that_one_step_overflows_has_no_plan_under_resident() -> None:
    tensors = [tensor("x", 4, "input"), tensor("y", 4, "output")]
    given = problem(toy(7), tensors, [operator(tensors, [0], [1], 1.0)])
    assert best_latency(given, (0,), 1) == (None, math.inf)


def test_operators_without_seconds_are_an_error() -> None:
    tensors = [tensor("y", 1, "output")]
    made = replace(operator(tensors, [], [0]), compute_seconds=None)
    with pytest.raises(InputError, match="has no compute_seconds and no flops"):
        latency_bound(problem(toy(1), tensors, [made]), (0,), 1)


def test_nothing_to_do_takes_no_time() -> None:
    assert latency_bound(problem(toy(1), [], []), (), 1) == 0


def test_a_smaller_scratchpad_is_never_faster() -> None:
    given = tangle(30, 3, "anywhere")
    room = given.target.scratchpad_bytes
    relaxed = [
        program.rows.solve(60, whole=False).bound * program.unit
        for share in (0.1, 0.3, 1, 3)
        for program in [latency_program(given, source_order(given), room=int(share * room))]
    ]
    for tight, wide in pairwise(relaxed):
        assert tight >= wide * (1 - 1e-12)
    assert relaxed[0] > relaxed[-1] * 1.1


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_weak_duality_holds_for_any_duals(seed: int) -> None:
    dice = np.random.default_rng(seed)
    program = Sparse()
    for _ in range(6):
        program.column(float(dice.uniform(0.5, 2)), cost=float(dice.normal()))
    point = dice.uniform(0, 1, 6) * np.array(program.top)
    for _ in range(4):
        factors = dice.normal(size=6)
        at, side = float(factors @ point), dice.integers(3)
        low, high = at - (side != 1) * dice.uniform(), at + (side != 2) * dice.uniform()
        terms = list(enumerate(factors.tolist()))
        program.row(terms, -INF if side == 0 else low, INF if side == 1 else high)
    cost, top = np.array(program.cost), np.array(program.top)
    least = program.solve(1, whole=False)
    assert program.weak_duality(cost, 0 * top, top, dice.normal(size=4)) <= least.value + 1e-9
    assert least.value - 1e-9 <= least.bound <= least.value + 1e-9
    assert least.value <= float(cost @ point) + 1e-9


def test_rows_for_some_steps_still_bound() -> None:
    given = with_scratchpad(tangle(40, 8, "anywhere"), 30)
    order = source_order(given)
    uses = uses_of(given, lifetimes(given, order))
    some = asked_steps(uses, 40)
    assert 0 < some.sum() < uses.steps
    assert asked_steps(uses).all()
    everywhere = hold(Sparse(), uses, 30)
    here = replace(everywhere, rows=Sparse(), asked=some, used=everywhere.used)
    here.close()
    assert len(here.rows.low) == some.sum()


def test_the_benchmark_of_bounds_keeps_them_below_its_plans() -> None:
    row = ilp_latency.row(with_scratchpad(tangle(12, 5, "anywhere"), 20), "tangle", 1.0, 0.3)
    assert row.counted <= row.this_order * SLACK
    assert row.gap >= -1e-9
