"""The compiled clock against the one in Python."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.native.clock import FastClock
from cosmalloc.plan import Plan, Transfer
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from tests import oracle
from tests.strategies import problems
from tests.tiny import TINY
from tests.widen import widened

SEEDS = st.integers(0, 2**32)
CLOSE = 1e-12


def close(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(abs(one), abs(other), 1e-6)


@settings(max_examples=400, deadline=None)
@given(problem=problems(most_spare=6, most_room=16), seed=SEEDS)
def test_it_tells_the_same_time_as_the_python_clock(problem: Problem, seed: int) -> None:
    plan = oracle.random_plan(problem, seed)
    if plan is None:
        return
    plan = widened(problem, plan, seed)
    told, expected = FastClock(problem, plan.order).timeline(plan), simulate(problem, plan)
    assert told == expected
    assert close(FastClock(problem, plan.order).latency(plan), expected.latency)


def some_clock(seed: int, steps: int) -> tuple[_native.Clock, int]:
    dice = np.random.default_rng(seed)
    first = np.concatenate([[0], np.cumsum(dice.integers(0, 4, steps))])
    accesses = int(first[-1])
    off = dice.integers(0, 9, accesses) / 4
    compute = dice.integers(0, 9, steps) / 4
    return _native.Clock(compute, first, off, off / 8, int(dice.integers(0, 3))), accesses


Copies = dict[int, tuple[bool, float, int, int, int]]


def change(clock: _native.Clock, dice: random.Random, copies: Copies, near: list[int]) -> None:
    """One random change, noted in `copies` and `near`."""
    steps = 30
    kind = dice.choice(["near", "near", "add", "add", "remove"])
    if kind == "near" and near:
        access = dice.randrange(len(near))
        near[access] ^= 1
        clock.set_near(access, bool(near[access]))
    elif kind == "remove" and copies:
        gone = dice.choice(sorted(copies))
        clock.remove(gone)
        del copies[gone]
    else:
        start = dice.randrange(steps + 1)
        stop = min(steps, start + dice.choice([0, 1, 2, 5, 30]))
        window = (dice.random() < 0.5, dice.randrange(1, 12) / 4, start, stop)
        rank = dice.randrange(1 << 20)
        copies[clock.add(*window, rank)] = (*window, rank)


@pytest.mark.parametrize("seed", range(30))
def test_after_any_changes_it_equals_a_clock_made_anew(seed: int) -> None:
    clock, accesses = some_clock(seed, 30)
    dice = random.Random(seed)
    copies: Copies = {}
    near = [0] * accesses
    for _ in range(150):
        for _ in range(dice.choice([1, 1, 3])):
            change(clock, dice, copies, near)
        fresh, _ = some_clock(seed, 30)
        fresh.set_all_near(np.array(near, np.int64))
        for window in copies.values():
            fresh.add(*window)
        assert clock.latency() == fresh.latency()
        assert close(clock.latency(), clock.timeline()[-1])


def test_one_change_moves_few_borders() -> None:
    steps = 1000
    first = np.arange(steps + 1)
    clock = _native.Clock(np.ones(steps), first, np.full(steps, 0.5), np.zeros(steps), 2)
    assert clock.latency() == steps
    clock.add(True, 3.0, 500, 520, 0)
    clock.latency()
    assert clock.simulated() <= 22
    clock.set_near(100, True)
    clock.latency()
    assert clock.simulated() == 1


def test_a_plan_in_another_order_is_refused(tiny_problem: Problem) -> None:
    with pytest.raises(InputError, match="the plan's order is not the clock's"):
        FastClock(tiny_problem).latency(Plan((1, 0)))


def test_a_copy_beyond_the_last_border_is_refused(tiny_problem: Problem) -> None:
    with pytest.raises(InputError, match="window lies outside the steps"):
        FastClock(tiny_problem).latency(Plan((0,), (), (Transfer(0, "load", 0, 2),)))


@pytest.fixture
def tiny_problem() -> Problem:
    from cosmalloc.interchange import problem_from_json

    return problem_from_json(TINY)
