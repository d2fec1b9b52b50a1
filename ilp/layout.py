"""A plan under `resident` as order, links and offsets: what copies and widened stays come from.

Every stay of a legal plan, cut down to its first and last use at the same offset, is legal again,
with blocking copies; so is one that holds the same links at other offsets that don't overlap.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.stays import stays_of
from cosmalloc.greedy.uses import Bools, Ints, Uses, uses_of
from cosmalloc.greedy.working_set import Pair, in_place_pairs
from cosmalloc.ilp.packing import choice_of, plan_at
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem


@dataclass(frozen=True)
class Layout:
    """uses: under the order. kept: bool[U], the links whose tensor stays on chip. offset: int64[U],
    where the tensor lies at each use. pairs: what may be in place."""

    uses: Uses
    kept: Bools
    offset: Ints
    pairs: tuple[Pair, ...]

    @property
    def order(self) -> tuple[int, ...]:
        return self.uses.life.order

    def plan(self) -> Plan:
        """The plan with blocking copies."""
        stays = stays_of(self.uses, choice_of(self.kept), self.pairs)
        return plan_at(self.uses, self.kept, stays, self.offset[stays.first])


def layout_of(problem: Problem, plan: Plan) -> Layout:
    """The layout of a legal plan."""
    uses = uses_of(problem, lifetimes(problem, plan.order))
    stays: dict[int, list[tuple[int, int, int]]] = {}
    for stay in plan.residencies:
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
    return Layout(uses, kept, offset, in_place_pairs(uses))
