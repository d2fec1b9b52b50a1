"""Phase 3: the copies that the stays need, at first all blocking.

A stay that does not start by production starts with a load on the border before its first use. A
tensor whose later stays (or the program) want it off-chip is stored once, on the border after its
production: no later store is needed, and no in-place result can have taken its bytes yet.
"""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.links import Choice, needs_store
from cosmalloc.greedy.stays import Stays
from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.plan import Plan, Residency, Transfer


def blocking_plan(uses: Uses, choice: Choice, stays: Stays, offsets: Ints) -> Plan:
    """The plan of the stays at these offsets in which every copy blocks."""
    columns = (stays.tensor, offsets, stays.start, stays.stop)
    residencies = tuple(Residency(*row) for row in zip(*(c.tolist() for c in columns), strict=True))
    loaded = ~uses.produces[stays.first]
    loads = [
        Transfer(tensor, "load", start, start)
        for tensor, start in zip(
            stays.tensor[loaded].tolist(), stays.start[loaded].tolist(), strict=True
        )
    ]
    stored = np.flatnonzero(needs_store(uses, choice))
    made_at = uses.step[uses.begin[stored]] + 1
    stores = [
        Transfer(tensor, "store", border, border)
        for tensor, border in zip(stored.tolist(), made_at.tolist(), strict=True)
    ]
    copies = sorted(stores + loads, key=lambda copy: copy.start)
    return Plan(uses.life.order, residencies, tuple(copies))
