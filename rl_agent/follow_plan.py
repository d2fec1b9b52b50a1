"""A plan as moves: which move at each use comes nearest to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cosmalloc.plan import Plan, Residency
from cosmalloc.rl_agent.game import COPY, DROP, NO_COPY

Moves = NDArray[np.int8]


def followed(
    names: Mapping[tuple[int, int], int], uses: int, plan: Plan, steps: Sequence[int]
) -> Moves:
    """A plan as moves by use, int8[uses], -1 where it says nothing.

    names: of uses, by operator and tensor. steps: per operator its step in the plan. An operand
    that is on chip is kept if its residency began before, by an earlier use, else copied.
    """
    stays: dict[int, list[Residency]] = {}
    for stay in plan.residencies:
        stays.setdefault(stay.tensor, []).append(stay)
    loads = {(copy.tensor, copy.start) for copy in plan.transfers if copy.kind == "load"}
    touched: set[Residency] = set()
    moves = np.full(uses, -1, np.int8)
    for (operator, tensor), name in sorted(names.items(), key=lambda each: steps[each[0][0]]):
        at = steps[operator]
        found = [stay for stay in stays.get(tensor, []) if stay.start <= at < stay.stop]
        if not found:
            moves[name] = DROP
        elif (tensor, found[0].start) in loads and found[0] not in touched:
            moves[name] = COPY
        else:
            moves[name] = NO_COPY
        touched.update(found)
    return moves
