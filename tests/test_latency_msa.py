"""What XLA's memory space assignment does, rule after rule, on programs written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.msa import WINDOW, Msa, decoded, msa_plan
from cosmalloc.latency.trips import trips_of
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Plan
from cosmalloc.problem import Operator, Problem
from cosmalloc.simulate import simulate
from cosmalloc.target_file import load_target
from cosmalloc.verify import verify
from tests.small import operator, problem, tensor, toy
from tests.strategies import problems

ANYWHERE = problems(rules=["anywhere"], most_operators=6, most_spare=6, most_room=14)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def loop(trips: int, room: int) -> Problem:
    """Each trip computes for 20 s, then reads an 8-byte weight; one step comes before the loop."""
    weight, fact = tensor("w", 8, "weight"), tensor("x", 1, "input")
    tensors = [weight, fact]
    operators = [operator(tensors, [1], [], 40.0, "before")]
    for trip in range(trips):
        operators.append(operator(tensors, [1], [], 20.0, f"think@{trip}"))
        operators.append(operator(tensors, [0], [], 1.0, f"use@{trip}"))
    return problem(toy(room, "anywhere"), tensors, operators)


def loads(plan: Plan, which: int) -> list[tuple[int, int]]:
    return [(c.start, c.stop) for c in plan.transfers if c.tensor == which and c.kind == "load"]


def test_operators_name_their_trip() -> None:
    steps = trips_of(loop(3, 8), range(7))
    assert steps == (-1, 1, 1, 3, 3, 5, 5)
    tensors = [tensor("x", 1, "input")]
    names = ["a@0@0", "b@0@0", "a@0@1", "c@0", "a@1@0", "a@", "d"]
    nested = problem(toy(8, "anywhere"), tensors, [operator(tensors, [0], [], 1, n) for n in names])
    assert trips_of(nested, range(7)) == (0, 0, 2, 3, 4, -1, -1)
    assert trips_of(problem(toy(8), tensors, [operator(tensors, [0], [])]), [0]) == ()


def test_every_trip_loads_for_itself_as_xla_plans_a_body_once() -> None:
    looped = loop(3, 8)
    assert loads(msa_plan(looped), 0) == [(1, 2), (3, 4), (5, 6)]
    unrolled = msa_plan(looped, Msa(by_trip=False))
    assert len(loads(unrolled, 0)) == 1
    assert simulate(looped, unrolled).latency <= simulate(looped, msa_plan(looped)).latency


def test_nothing_is_stored_while_everybody_waits() -> None:
    """A result made on chip by the last step would have to be."""
    tensors = [tensor("x", 4, "input"), tensor("y", 8, "output")]
    last = problem(toy(16, "anywhere"), tensors, [operator(tensors, [0], [1], 1.0)])
    assert all(copy.kind == "load" for copy in msa_plan(last).transfers)
    assert not [stay for stay in msa_plan(last).residencies if stay.tensor == 1]
    then = operator(tensors, [0, 1], [], 30.0)
    stored = msa_plan(replace(last, operators=(*last.operators, then)))
    assert [c.start < c.stop for c in stored.transfers if c.kind == "store"] == [True]


@pytest.mark.parametrize(("accessed", "loaded"), [(7, False), (8, True)])
def test_a_load_that_serves_less_than_half_of_its_bytes_is_not_made(
    accessed: int, loaded: bool
) -> None:
    tensors = [tensor("x", 1, "input"), tensor("table", 16, "weight")]
    think = operator(tensors, [0], [], 100.0)
    look = Operator("look", "toy", (1,), (), (accessed,), (), 0.0)
    gather = problem(toy(16, "anywhere"), tensors, [think, look])
    assert bool(loads(msa_plan(gather), 1)) is loaded


def test_a_window_is_measured_by_its_own_bytes() -> None:
    tensors = [tensor("x", 1, "input"), tensor("w", 2, "weight")]
    think = [operator(tensors, [0], [], 4.0) for _ in range(6)]
    waits = problem(toy(16, "anywhere"), tensors, [*think, operator(tensors, [1], [], 0.0)])
    assert loads(msa_plan(waits, Msa()), 1) == [(5, 6)]
    assert loads(msa_plan(waits, Msa(window=10)), 1) == [(1, 6)]


def test_tpus_have_their_constants() -> None:
    assert Msa.of(load_target("tpu-v5e")).window == WINDOW
    assert Msa.of(toy(2 * WINDOW)).window == 0


@QUICK
@given(program=ANYWHERE, window=st.integers(0, 9), trip=st.integers(1, 3))
def test_windows_and_loops_make_a_legal_plan(program: Problem, window: int, trip: int) -> None:
    named = tuple(
        replace(each, name=f"{each.name}@{step // trip}")
        for step, each in enumerate(program.operators)
    )
    looped = replace(program, operators=named)
    drafting = Drafting.of(looped)
    draft = decoded(drafting, Msa(window=window))
    plan = drafting.plan(draft.stays())
    assert verify(looped, plan) == []
    assert simulate(looped, plan).latency == pytest.approx(draft.latency(), rel=1e-9)
    assert plan.order == tuple(source_order(looped))
    trips = drafting.trips
    for copy in plan.transfers:
        if copy.kind == "load":
            assert trips[copy.start] == trips[copy.stop]
