"""A plan under `resident` as links and offsets: what the copies and widened stays come from.

Every stay of a legal plan, cut down to its first and last use at the same offset, is legal again,
with blocking copies; so is one that holds the same links at other offsets that don't overlap.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.plan import Plan


@dataclass(frozen=True)
class Layout:
    """kept: bool[U], the links whose tensor stays on chip. offset: int64[U], where the tensor lies
    at each use."""

    kept: Bools
    offset: Ints


def layout_of(uses: Uses, plan: Plan) -> Layout:
    """The links and offsets of a legal plan in the order of `uses`."""
    stays: dict[int, list[tuple[int, int, int]]] = {}
    for stay in sorted(plan.residencies):
        stays.setdefault(stay.tensor, []).append((stay.start, stay.stop, stay.offset))
    for group in stays.values():
        group.sort()
    kept: Bools = ~uses.last
    offset = np.full(len(uses.step), -1, np.int64)
    tensors, steps, lasts = uses.tensor.tolist(), uses.step.tolist(), uses.last.tolist()
    for row, (tensor, step) in enumerate(zip(tensors, steps, strict=True)):
        group = stays[tensor]
        _, stop, at = group[bisect_right(group, (step, np.inf, np.inf)) - 1]
        offset[row] = at
        kept[row] = not lasts[row] and steps[row + 1] < stop
    return Layout(kept, offset)
