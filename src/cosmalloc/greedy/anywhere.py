"""Phase 1 under the operand rule `anywhere`: what to have on chip at all.

Nothing has to be: an operator may read and write off-chip, at that speed and with that traffic. So
the scratchpad starts empty and is filled with what is worth most per byte-step (see `fill`).
"""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.fill import Room, fill
from cosmalloc.greedy.prices import Prices
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair


def choose_anywhere(uses: Uses, prices: Prices, free: Ints, pairs: tuple[Pair, ...]) -> Bools:
    """bool[U]: the links to keep; the uses on chip without links are set in `prices.lone`.

    free: int64[steps], bytes to fill.
    """
    nothing = np.zeros(len(uses.step), np.bool_)
    return fill(uses, prices, Room(uses, free.copy(), nothing.copy(), pairs), nothing)
