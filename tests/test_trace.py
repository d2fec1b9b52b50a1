"""Traces: the format's rules, and that they tell what the timeline says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.report.level import level
from cosmalloc.report.stays import occupied, stays_of
from cosmalloc.simulate import simulate
from cosmalloc.trace import trace, trace_text
from tests import oracle
from tests.strategies import problems
from tests.trace_format import complaints
from tests.widen import widened

ROOMY = problems(most_spare=6, most_room=16)
SEEDS = st.integers(0, 2**32)


def random_plan(problem: Problem, seed: int) -> Plan | None:
    plan = oracle.random_plan(problem, seed)
    return None if plan is None else widened(problem, plan, seed)


def reloaded() -> tuple[Problem, Plan]:
    """t is made, stored, loaded again while b runs, and read by c; 8 of 10 bytes at most."""
    tensors = [
        small.tensor("x", 4, "input"),
        small.tensor("t", 4),
        small.tensor("u", 4),
        small.tensor("y", 2, "output"),
    ]
    operators = [
        small.operator(tensors, (0,), (1,), 1.0, "a"),
        small.operator(tensors, (0,), (2,), 2.0, "b"),
        small.operator(tensors, (1, 2), (3,), 1.0, "c"),
    ]
    problem = small.problem(small.toy(10), tensors, operators)
    plan = Plan(
        (0, 1, 2),
        (
            small.stay(0, 0, 0, 2),
            small.stay(1, 4, 0, 1),
            small.stay(2, 4, 1, 3),
            small.stay(1, 0, 2, 3),
            small.stay(3, 8, 2, 3),
        ),
        (small.load(0, 0), small.store(1, 1), small.load(1, 2), small.store(3, 3)),
    )
    return problem, plan


def named(events: list[dict[str, Any]], phase: str, track: int) -> list[tuple[str, float]]:
    return [(e["name"], e["ts"]) for e in events if e["ph"] == phase and e["tid"] == track]


def test_the_tracks_hold_the_steps_the_stalls_and_the_copies() -> None:
    problem, plan = reloaded()
    events = trace(problem, plan, simulate(problem, plan))["traceEvents"]
    second = 1e6
    assert named(events, "X", 1) == [
        ("stall", 0),
        ("a", 4 * second),
        ("stall", 5 * second),
        ("b", 9 * second),
        ("stall", 11 * second),
        ("c", 15 * second),
        ("stall", 16 * second),
    ]
    assert named(events, "X", 2) == [("load x", 0), ("load t", 11 * second)]
    assert named(events, "X", 3) == [("store t", 5 * second), ("store y", 16 * second)]
    assert [e["args"]["waits_for"] for e in events if e["name"] == "stall"] == [
        ["load of x"],
        ["store of t"],
        ["load of t"],
        ["store of y"],
    ]


def test_a_flow_leads_from_a_load_to_its_first_use() -> None:
    problem, plan = reloaded()
    events = trace(problem, plan, simulate(problem, plan))["traceEvents"]
    starts = {e["id"]: e["ts"] for e in events if e["ph"] == "s"}
    ends = {e["id"]: e["ts"] for e in events if e["ph"] == "f"}
    assert (starts, ends) == ({0: 0, 2: 11e6}, {0: 4e6, 2: 15e6})


def test_the_counter_falls_when_a_store_is_done_and_rises_when_a_load_begins() -> None:
    problem, plan = reloaded()
    found = level(problem, plan, simulate(problem, plan))
    assert found == [(0, 4), (4, 8), (9, 8), (11, 8), (15, 10), (16, 2), (18, 0)]


def test_an_update_in_place_counts_its_bytes_once() -> None:
    tensors = [
        small.tensor("x", 4, "input", group=0),
        small.tensor("t", 4, group=0),
        small.tensor("y", 1, "output"),
    ]
    operators = [
        small.operator(tensors, (0,), (1,), 1.0),
        small.operator(tensors, (1,), (2,), 1.0),
    ]
    problem = small.problem(small.toy(5), tensors, operators)
    stays = (small.stay(0, 0, 0, 1), small.stay(1, 0, 0, 2), small.stay(2, 4, 1, 2))
    plan = Plan((0, 1), stays, (small.load(0, 0), small.store(2, 2)))
    assert occupied(stays_of(problem, plan), 2).tolist() == [4, 5]
    found = level(problem, plan, simulate(problem, plan))
    assert max(held for _, held in found) == 5
    assert found[-1] == (7, 0)


@settings(max_examples=300, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_every_trace_keeps_the_format_and_its_counter_stays_in_the_scratchpad(
    problem: Problem, seed: int
) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    told = json.loads(trace_text(problem, plan))
    assert list(complaints(told)) == []
    events = told["traceEvents"]
    held = [e["args"]["bytes"] for e in events if e["ph"] == "C"]
    assert 0 <= min(held) <= max(held) <= problem.target.scratchpad_bytes
    assert held[-1] == 0
    assert sum(e["ph"] == "X" for e in events) == len(plan.order) + len(plan.transfers) + sum(
        seconds > 0 for seconds in simulate(problem, plan).stall
    )


@settings(max_examples=200, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_the_occupied_bytes_of_a_step_are_those_that_someone_holds(
    problem: Problem, seed: int
) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    held: list[set[int]] = [set() for _ in plan.order]
    for at in plan.residencies:
        for step in range(at.start, at.stop):
            held[step].update(range(at.offset, at.offset + problem.tensors[at.tensor].bytes))
    assert occupied(stays_of(problem, plan), len(plan.order)).tolist() == [len(b) for b in held]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ph": "Q"}, "unknown phase"),
        ({"ts": "now"}, "ts is no"),
        ({"dur": -1.0}, "negative time"),
        ({"ts": 0.0}, "before"),
        ({"tid": 9}, "without a name"),
    ],
)
def test_the_checker_sees_a_damaged_event(change: dict[str, Any], words: str) -> None:
    problem, plan = reloaded()
    told = trace(problem, plan, simulate(problem, plan))
    last = max(i for i, e in enumerate(told["traceEvents"]) if e["ph"] == "X" and e["tid"] == 1)
    told["traceEvents"][last] |= change
    assert any(words in complaint for complaint in complaints(told))


def test_the_checker_sees_a_flow_with_one_end() -> None:
    problem, plan = reloaded()
    told = trace(problem, plan, simulate(problem, plan))
    told["traceEvents"] = [e for e in told["traceEvents"] if e["ph"] != "f"]
    assert any("both ends" in complaint for complaint in complaints(told))
