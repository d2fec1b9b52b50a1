"""The scratchpad over time: bytes reserved at every moment of a timeline.

A residency holds its bytes from the moment its load is issued (blocking: begins) or its producer
starts, until its last step, or the store that ends with it, is done.
"""

from __future__ import annotations

from collections import defaultdict

from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.report.stays import Stay, shared, stays_of
from cosmalloc.simulate import Timeline


def level(problem: Problem, plan: Plan, timeline: Timeline) -> list[tuple[float, int]]:
    """(seconds, bytes reserved from then on), ascending, one entry a moment.

    At one moment what ends makes room for what starts.
    """
    stays = stays_of(problem, plan)
    last_store: dict[tuple[int, int], float] = {}
    for copy, done in zip(plan.transfers, timeline.transfer_stop, strict=True):
        if copy.kind == "store":
            key = copy.tensor, copy.stop
            last_store[key] = max(done, last_store.get(key, 0.0))
    change: dict[float, int] = defaultdict(int)
    for stay in stays:
        both = shared(stays, stay)
        change[_begin(stay, plan, timeline)] += stay.bytes - both
        change[_end(stay, timeline, last_store)] -= stay.bytes
        if stay.over is not None:
            change[_end(stays[stay.over], timeline, last_store)] += both
    found, held = [], 0
    for moment in sorted(change):
        held += change[moment]
        found.append((moment, held))
    return found


def _begin(stay: Stay, plan: Plan, timeline: Timeline) -> float:
    if stay.load is not None and plan.transfers[stay.load].stop == stay.start:
        return timeline.transfer_start[stay.load]
    return timeline.step_start[stay.start]


def _end(stay: Stay, timeline: Timeline, last_store: dict[tuple[int, int], float]) -> float:
    done = timeline.step_stop[stay.stop - 1]
    return max(done, last_store.get((stay.tensor, stay.stop), done))
