"""What a residency is, beside its bytes and steps: how it starts and whose bytes it takes.

A residency r takes the bytes of a *in place* where the operator at step r.start reads a's tensor
and makes r's, both of one alias group, a.stop == r.start + 1, and both lie at one offset: law 2's
exception. In that one step the two share min(bytes of a, bytes of r).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmalloc.lifetimes import Steps, load_curve
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem


@dataclass(frozen=True, slots=True)
class Stay:
    """A residency with its story.

    ready: the first step at which its bytes are whole: the end of its load, or its start.
    load: index of the transfer that starts it, None where it is produced.
    over: index of the residency whose bytes it takes in place, None where it takes none.
    """

    tensor: int
    offset: int
    bytes: int
    start: int
    ready: int
    stop: int
    load: int | None
    over: int | None


def stays_of(problem: Problem, plan: Plan) -> tuple[Stay, ...]:
    """One for each of the plan's residencies, in its sequence."""
    loads = {(t.tensor, t.start): i for i, t in enumerate(plan.transfers) if t.kind == "load"}
    over = _in_place(problem, plan)
    found = []
    for index, at in enumerate(plan.residencies):
        load = loads.get((at.tensor, at.start))
        ready = at.start if load is None else plan.transfers[load].stop
        size = problem.tensors[at.tensor].bytes
        found.append(
            Stay(at.tensor, at.offset, size, at.start, ready, at.stop, load, over.get(index))
        )
    return tuple(found)


def occupied(stays: Sequence[Stay], steps: int) -> Steps:
    """int64[steps]: bytes taken at each step, those that two share in place counted once."""
    start = np.array([stay.start for stay in stays], np.int64)
    stop = np.array([stay.stop for stay in stays], np.int64)
    size = np.array([stay.bytes for stay in stays], np.int64)
    taken = load_curve(start, stop, size, steps)
    for stay in stays:
        taken[stay.start] -= shared(stays, stay)
    return taken


def shared(stays: Sequence[Stay], stay: Stay) -> int:
    """Bytes that `stay` has in common, in its first step, with the residency it takes over."""
    return 0 if stay.over is None else min(stay.bytes, stays[stay.over].bytes)


def _in_place(problem: Problem, plan: Plan) -> dict[int, int]:
    """Residency -> the one whose bytes it takes."""
    ending = {(r.tensor, r.offset, r.stop): i for i, r in enumerate(plan.residencies)}
    found: dict[int, int] = {}
    for index, at in enumerate(plan.residencies):
        group = problem.tensors[at.tensor].alias_group
        node = problem.operators[plan.order[at.start]]
        if group is None or at.tensor not in node.outputs:
            continue
        for operand in node.inputs:
            before = ending.get((operand, at.offset, at.start + 1))
            if before is not None and problem.tensors[operand].alias_group == group:
                found[index] = before
    return found
