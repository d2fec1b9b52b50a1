"""Phase 3: the copies that the stays need, all blocking.

A stay that does not start by production starts with a load on the border before its first use. A
tensor whose later stays (or the program) want it off-chip is stored once, on the border after its
production: no later store is needed, and no in-place result can have taken its bytes yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.links import Choice, needs_store
from cosmalloc.greedy.stays import Stays
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.in_place import updates
from cosmalloc.plan import Plan, Residency, Transfer, TransferKind


@dataclass
class Copies:
    """Stays with their copies, sorted by tensor, then step; mutable while they are stretched.

    tensor, bytes, offset: int64[K], whose, how large, where. start, stop: int64[K], steps.
    load, store: int64[K, 2], the window of the copy that starts the stay, and of the store during
    it; -1 where there is none. limit: int64[K], the border by which a store must be over.
    key: int64[K], of the stay on the board. pinned: bool[K], the stay can't move.
    """

    tensor: Ints
    bytes: Ints
    offset: Ints
    start: Ints
    stop: Ints
    load: Ints
    store: Ints
    limit: Ints
    key: Ints
    pinned: Bools


def blocking_copies(
    uses: Uses, choice: Choice, stays: Stays, offset: Ints, pinned: Bools
) -> Copies:
    """Every load on the border before the stay, every store on the border after production."""
    makes = uses.produces[stays.first]
    load = np.where(makes, -1, stays.start)
    stored = makes & needs_store(uses, choice)[stays.tensor]
    store = np.where(stored, stays.start + 1, -1)
    limit = np.full(len(stays), uses.steps)
    again = stays.tensor[1:] == stays.tensor[:-1]
    limit[:-1][again] = stays.start[1:][again]
    taken = stays.before[stays.before >= 0]
    limit[taken] = stays.stop[taken] - 1
    for update in updates(uses.problem, uses.life.order):  # off-chip, their operands stay there
        of = np.isin(stays.tensor, update.operands)
        limit[of] = np.minimum(limit[of], update.step)
    return Copies(
        stays.tensor,
        stays.bytes,
        offset.copy(),
        stays.start.copy(),
        stays.stop.copy(),
        np.stack([load, load], 1),
        np.stack([store, store], 1),
        limit,
        stays.first,
        pinned,
    )


def plan_of(uses: Uses, copies: Copies) -> Plan:
    """The plan; copies that start together queue by the border at which they are due."""
    columns = (copies.tensor, copies.offset, copies.start, copies.stop)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    residencies = tuple(Residency(*row) for row in rows)
    transfers = _transfers(copies, "store", copies.store) + _transfers(copies, "load", copies.load)
    transfers.sort(key=lambda copy: (copy.start, copy.stop))
    return Plan(uses.life.order, residencies, tuple(transfers))


def _transfers(copies: Copies, kind: TransferKind, windows: Ints) -> list[Transfer]:
    there = windows[:, 0] >= 0
    rows = zip(copies.tensor[there].tolist(), windows[there].tolist(), strict=True)
    return [Transfer(tensor, kind, start, stop) for tensor, (start, stop) in rows]
