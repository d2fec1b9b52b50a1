"""Objective `peak`: every tensor stays from its first to its last use, as low as packing gets.

Under `resident` that is every tensor. Under `anywhere` a tensor that can be accessed directly with
compulsory bytes alone needs no place; any other has to be there at all of its uses.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.greedy.working_set import Pair


def whole_stays(uses: Uses, pairs: tuple[Pair, ...]) -> tuple[Choice, Stays]:
    """The choice with compulsory transfers only that holds least, and its stays."""
    on = np.ones(len(uses.step), np.bool_)
    if uses.problem.target.operand_rule == "anywhere":
        nothing = np.zeros(len(uses.step), np.bool_)
        on = (traffic(uses, Choice(nothing, nothing)) > 0)[uses.tensor]
    choice = Choice(on, on & ~uses.last)
    return choice, stays_of(uses, choice, pairs)


def lowest(uses: Uses, stays: Stays, seconds: float = 1.0, seed: int = 0) -> tuple[Ints, int, int]:
    """Offsets int64[K], their peak, and bytes below which these stays have no offsets."""
    found = native.minimize(
        stays.start,
        stays.stop,
        stays.bytes,
        alignment=uses.problem.target.alignment,
        alias=stays.group,
        seconds=seconds,
        seed=seed,
    )
    return found.offsets, found.peak, found.bound
