"""A plan's timeline as a trace that Perfetto and chrome://tracing open.

The Trace Event Format (Google, "Trace Event Format", 2016), JSON object form: complete events `X`
on the tracks compute, load queue and store queue, counter events `C` for the scratchpad, flow
events `s` and `f` from a load to the step that first uses it, metadata `M` for the names. Times are
microseconds, whole nanoseconds, so that slices of one track touch and never overlap.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.report.level import level
from cosmalloc.report.waits import waits
from cosmalloc.simulate import Timeline, simulate

PROCESS = 1
COMPUTE, LOADS, STORES = 1, 2, 3
TRACKS = {COMPUTE: "compute", LOADS: "load queue", STORES: "store queue"}
COUNTER = "scratchpad"

Event = dict[str, Any]


def trace_text(problem: Problem, plan: Plan) -> str:
    """The content of a trace file. Raises InputError for a plan without a timeline."""
    return json.dumps(trace(problem, plan, simulate(problem, plan)), allow_nan=False) + "\n"


def trace(problem: Problem, plan: Plan, timeline: Timeline) -> dict[str, Any]:
    """The trace of a legal plan: every track's events in the order of time."""
    target = problem.target
    return {
        "displayTimeUnit": "ns",
        "otherData": {
            "problem": problem.name,
            "target": target.name,
            "scratchpad_bytes": target.scratchpad_bytes,
        },
        "traceEvents": [
            *_names(problem),
            *_compute(problem, plan, timeline),
            *_copies(problem, plan, timeline),
            *_counter(problem, plan, timeline),
            *_flows(problem, plan, timeline),
        ],
    }


def _micros(seconds: float) -> float:
    return round(seconds * 1e9) / 1e3


def _event(kind: str, name: str, track: int, seconds: float, **more: object) -> Event:
    return {
        "ph": kind,
        "name": name,
        "pid": PROCESS,
        "tid": track,
        "ts": _micros(seconds),
        **more,
    }


def _slice(name: str, group: str, track: int, start: float, stop: float, **args: object) -> Event:
    lasts = round(_micros(stop) - _micros(start), 3)
    return _event("X", name, track, start, dur=lasts, cat=group, args=args)


def _names(problem: Problem) -> Iterator[Event]:
    yield _name("process_name", 0, name=f"{problem.name} on {problem.target.name}")
    for track, words in TRACKS.items():
        yield _name("thread_name", track, name=words)
        yield _name("thread_sort_index", track, sort_index=track)


def _name(what: str, track: int, **args: object) -> Event:
    return {"ph": "M", "name": what, "pid": PROCESS, "tid": track, "args": args}


def _compute(problem: Problem, plan: Plan, timeline: Timeline) -> Iterator[Event]:
    """Steps, and before them the waiting."""
    stalls = {wait.border: wait for wait in waits(problem, plan, timeline)}
    names = [problem.tensors[copy.tensor].name for copy in plan.transfers]
    for border in range(len(plan.order) + 1):
        if border in stalls:
            wait = stalls[border]
            for_ = [f"{plan.transfers[i].kind} of {names[i]}" for i in wait.copies]
            yield _slice("stall", "stall", COMPUTE, wait.start, wait.stop, waits_for=for_)
        if border < len(plan.order):
            index = plan.order[border]
            node = problem.operators[index]
            yield _slice(
                node.name,
                "compute",
                COMPUTE,
                timeline.step_start[border],
                timeline.step_stop[border],
                step=border,
                operator=index,
                kind=node.kind,
                location=node.location,
            )


def _copies(problem: Problem, plan: Plan, timeline: Timeline) -> Iterator[Event]:
    """Loads and stores, each in the order of its queue."""
    order = sorted(range(len(plan.transfers)), key=lambda i: timeline.transfer_start[i])
    for index in order:
        copy = plan.transfers[index]
        tensor = problem.tensors[copy.tensor]
        yield _slice(
            f"{copy.kind} {tensor.name}",
            copy.kind,
            LOADS if copy.kind == "load" else STORES,
            timeline.transfer_start[index],
            timeline.transfer_stop[index],
            bytes=tensor.bytes,
            issued_at_step=copy.start,
            complete_at_step=copy.stop,
        )


def _counter(problem: Problem, plan: Plan, timeline: Timeline) -> Iterator[Event]:
    held: dict[float, int] = {}
    for seconds, count in level(problem, plan, timeline):
        held[_micros(seconds)] = count  # of moments less than a nanosecond apart the last
    if 0.0 not in held:
        held = {0.0: 0} | held
    for micros, count in held.items():
        yield _event("C", COUNTER, 0, 0.0, args={"bytes": count}) | {"ts": micros}


def _flows(problem: Problem, plan: Plan, timeline: Timeline) -> Iterator[Event]:
    """From a load to the first step that reads what it brought."""
    step = {operator: at for at, operator in enumerate(plan.order)}
    for index, copy in enumerate(plan.transfers):
        if copy.kind == "store":
            continue
        uses = (step[reader] for reader in problem.readers[copy.tensor])
        first = min((at for at in uses if at >= copy.stop), default=None)
        if first is not None:
            same = {"cat": "load", "id": index}
            yield _event("s", "first use", LOADS, timeline.transfer_start[index], **same)
            yield _event("f", "first use", COMPUTE, timeline.step_start[first], bp="e", **same)
