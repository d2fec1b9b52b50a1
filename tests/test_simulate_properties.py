"""What holds for the timeline of every legal plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.seconds import copy_seconds, operator_seconds
from cosmalloc.simulate import simulate
from cosmalloc.traffic import peak, traffic
from tests import oracle
from tests.strategies import problems
from tests.widen import widened

SEEDS = st.integers(0, 2**32)
ROOMY = problems(most_spare=6, most_room=16)
NEARLY = 1e-9


def random_plan(problem: Problem, seed: int) -> Plan | None:
    plan = oracle.random_plan(problem, seed)
    return None if plan is None else widened(problem, plan, seed)


@settings(max_examples=300, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_steps_and_copies_keep_their_windows(problem: Problem, seed: int) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    line = simulate(problem, plan)
    border = [*line.step_start, line.latency]
    after = [0.0, *line.step_stop]
    for step, waited in enumerate(line.stall):
        assert border[step] == pytest.approx(after[step] + waited, abs=NEARLY)
    for copy, start, stop in zip(
        plan.transfers, line.transfer_start, line.transfer_stop, strict=True
    ):
        assert after[copy.start] <= start
        assert start + copy_seconds(problem, copy) <= stop + NEARLY
        assert stop <= border[copy.stop]
    assert line.latency == max([*after, *line.transfer_stop])


@settings(max_examples=300, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_the_channel_never_carries_more_than_it_can(problem: Problem, seed: int) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    here = Presence.of(plan)
    busy = sum(copy_seconds(problem, copy) for copy in plan.transfers)
    for step, operator in enumerate(plan.order):
        time = operator_seconds(problem, operator, lambda t, step=step: here.on_chip(t, step))
        busy += time.off_chip
    assert busy <= simulate(problem, plan).latency + NEARLY


@settings(max_examples=200, deadline=None)
@given(problem=ROOMY, seed=SEEDS, factor=st.sampled_from([0.5, 2.0, 4.0]))
def test_a_machine_twice_as_fast_takes_half_the_time(
    problem: Problem, seed: int, factor: float
) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    speeds = {
        name: getattr(problem.target, name) * factor
        for name in problem.target.__slots__
        if name.endswith("_bytes_per_second")
    }
    faster = replace(problem, target=replace(problem.target, **speeds))
    line = simulate(problem, plan)
    quick = simulate(faster, plan, lambda p, o: (p.operators[o].compute_seconds or 0.0) / factor)
    assert quick.latency == pytest.approx(line.latency / factor)


@settings(max_examples=200, deadline=None)
@given(problem=ROOMY, seed=SEEDS, extra=st.sampled_from([0.25, 1.0, 7.0]), at=st.integers(0, 4))
def test_a_slower_operator_never_ends_the_program_earlier(
    problem: Problem, seed: int, extra: float, at: int
) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    slow = at % len(problem.operators)
    line = simulate(problem, plan)
    later = simulate(
        problem, plan, lambda p, o: (p.operators[o].compute_seconds or 0.0) + extra * (o == slow)
    )
    assert later.latency >= line.latency - NEARLY


@settings(max_examples=300, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_no_legal_plan_beats_the_bounds(problem: Problem, seed: int) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    assert bound(problem, "latency") <= objective_value(problem, plan, "latency") + NEARLY
    assert bound(problem, "traffic") <= objective_value(problem, plan, "traffic")
    if traffic(problem, plan).non_compulsory == 0:
        assert bound(problem, "peak") <= peak(problem, plan)


@settings(max_examples=60, deadline=None)
@given(problem=problems(most_operators=4))
def test_no_order_beats_the_bound_of_the_peak(problem: Problem) -> None:
    for order in oracle.topological_orders(problem):
        least = oracle.least_peak(problem, order)
        assert least is None or bound(problem, "peak") <= least
