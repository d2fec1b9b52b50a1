"""Why steps wait: the copies that a border waits for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from cosmalloc.plan import Plan, Transfer
from cosmalloc.problem import Problem
from cosmalloc.simulate import Timeline


@dataclass(frozen=True, slots=True)
class Wait:
    """The step behind `border` waits in seconds [start, stop).

    copies: indices of the transfers that were not complete when the waiting began.
    """

    border: int
    start: float
    stop: float
    copies: tuple[int, ...]


def waits(problem: Problem, plan: Plan, timeline: Timeline) -> tuple[Wait, ...]:
    """Every border at which time passes, in order."""
    due: dict[int, list[int]] = defaultdict(list)
    for index, copy in enumerate(plan.transfers):
        due[_due(problem, copy)].append(index)
    found = []
    for border, seconds in enumerate(timeline.stall):
        if seconds > 0:
            start = timeline.step_stop[border - 1] if border else 0.0
            late = tuple(i for i in due[border] if timeline.transfer_stop[i] > start)
            found.append(Wait(border, start, start + seconds, late))
    return tuple(found)


def _due(problem: Problem, copy: Transfer) -> int:
    """Where the copy must be complete: without engines a store blocks at its start border."""
    return copy.start if problem.target.copy_engines == 0 and copy.kind == "store" else copy.stop
