"""Who holds which bytes of the scratchpad at which step.

occupied[s] = sum of the bytes of the residencies on chip at step s, bytes shared in place once
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from cosmalloc.lifetimes import Steps, load_curve
from cosmalloc.plan import Plan, Residency
from cosmalloc.problem import Problem


def occupied(problem: Problem, plan: Plan) -> Steps:
    """int64[steps]: bytes in use at each step of a legal plan."""
    stays = plan.residencies
    start = np.array([r.start for r in stays], np.int64)
    stop = np.array([r.stop for r in stays], np.int64)
    size = np.array([problem.tensors[r.tensor].bytes for r in stays], np.int64)
    curve = load_curve(start, stop, size, len(plan.order))
    for old, new in shared_in_place(problem, plan):
        sizes = (problem.tensors[r.tensor].bytes for r in (old, new))
        curve[new.start] -= min(sizes)
    return curve


def shared_in_place(problem: Problem, plan: Plan) -> Iterator[tuple[Residency, Residency]]:
    """(operand's stay, result's stay) where a result takes an operand's bytes: law 2's exception,
    the only overlap that a legal plan has."""
    ending: dict[tuple[int, int], list[Residency]] = defaultdict(list)
    for stay in plan.residencies:
        ending[stay.stop - 1, stay.offset].append(stay)
    for stay in plan.residencies:
        for old in ending.get((stay.start, stay.offset), ()):
            maker = problem.producer[stay.tensor]
            if maker is not None and old.tensor in problem.operators[maker].inputs:
                yield old, stay


def meeting(plan: Plan, start: int, stop: int, but: int) -> list[Residency]:
    """Residencies on chip at some step of [start, stop), without those of tensor `but`."""
    return [r for r in plan.residencies if r.start < stop and start < r.stop and r.tensor != but]


def over(problem: Problem, others: Sequence[Residency], offset: int, size: int) -> list[Residency]:
    """Those of `others` that hold one of the bytes [offset, offset + size)."""
    return [
        r
        for r in others
        if r.offset < offset + size and offset < r.offset + problem.tensors[r.tensor].bytes
    ]


def addresses(problem: Problem, others: Sequence[Residency], size: int) -> list[int]:
    """The lowest offset and those on top of one of `others` that leave `size` bytes, ascending.

    Where any offset is free of `others`, the lowest free one is among these.
    """
    align, room = problem.target.alignment, problem.target.scratchpad_bytes
    tops = {-(-(r.offset + problem.tensors[r.tensor].bytes) // align) * align for r in others}
    return sorted(at for at in {0, *tops} if at + size <= room)


def lowest_free(problem: Problem, others: Sequence[Residency], size: int) -> int | None:
    """The lowest offset at which `size` bytes meet none of `others`; None if there is none."""
    free = (at for at in addresses(problem, others, size) if not over(problem, others, at, size))
    return next(free, None)


def least_in_the_way(
    problem: Problem, others: Sequence[Residency], size: int
) -> tuple[int, list[Residency]] | None:
    """(offset, residencies over its `size` bytes), the ones with the fewest bytes together.

    Offsets tried: 0, where one of `others` starts, on top of one. None if the scratchpad is too
    small.
    """
    room = problem.target.scratchpad_bytes
    starts = {r.offset for r in others if r.offset + size <= room}
    tried = sorted({*addresses(problem, others, size), *starts})

    def weight(at: int) -> int:
        return sum(problem.tensors[r.tensor].bytes for r in over(problem, others, at, size))

    if not tried:
        return None
    best = min(tried, key=lambda at: (weight(at), at))
    return best, over(problem, others, best, size)
