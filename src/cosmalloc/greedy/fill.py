"""Filling free bytes with what is worth most per byte-step: links, whole tensors, lone uses.

    worth(item) = price(item) / (size * steps that it adds to its tensor's stays)

Links of neighbouring uses add no step under `resident` and are always kept there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.prices import Floats, Prices
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair

PASSES = 6


class Room:
    """Mutable. free: int64[steps], bytes. on: bool[U], uses that are on chip, as in `Choice`.

    mate: the row that shares its bytes with a row in its step, where both are on chip, in place.
    """

    def __init__(self, uses: Uses, free: Ints, on: Bools, pairs: Sequence[Pair]) -> None:
        self.free = free
        self.on = on
        self._step = uses.step.tolist()
        self._size = uses.size[uses.tensor].tolist()
        self._mate: dict[int, int] = {}
        for pair in pairs:
            a, r = int(uses.begin[pair.operand + 1]) - 1, int(uses.begin[pair.result])
            self._mate |= {a: r, r: a}

    def take(self, links: Sequence[int], lone: int | None = None) -> bool:
        """Brings links of one tensor, ascending, or one lone use on chip, if there is room."""
        spans: list[tuple[int, int]] = []
        fresh = [] if lone is None else [lone]
        before = -2
        for u in links:
            start, stop = self._step[u] + 1, self._step[u + 1]
            if not self.on[u] and before != u - 1:
                start, fresh = start - 1, [*fresh, u]
            if not self.on[u + 1]:
                stop, fresh = stop + 1, [*fresh, u + 1]
            spans.append((start, stop))
            before = u
        if lone is not None:
            spans.append((self._step[lone], self._step[lone] + 1))
        shared = [row for row in fresh if row in self._mate and self.on[self._mate[row]]]
        self._credit(shared, 1)
        size = self._size[fresh[0] if fresh else links[0]]
        if any(a < b and self.free[a:b].min() < size for a, b in spans):
            self._credit(shared, -1)
            return False
        for a, b in spans:
            self.free[a:b] -= size
        self.on[fresh] = True
        return True

    def _credit(self, rows: Sequence[int], sign: int) -> None:
        for row in rows:
            both = min(self._size[row], self._size[self._mate[row]])
            self.free[self._step[row]] += sign * both


def fill(uses: Uses, prices: Prices, room: Room, kept: Bools) -> Bools:
    """bool[U]: `kept` and what else fits and pays. Lone uses are set in `prices.lone`."""
    kept = kept.copy()
    tensor = uses.tensor.tolist()
    for _ in range(PASSES):
        price = prices.per_link(kept)
        taken = 0
        for links, lone in _offers(uses, prices, price, kept):
            if lone is not None:
                good = not room.on[lone] and room.take((), lone)
                prices.lone[lone] |= good
                owner = tensor[lone]
            else:
                wanted = [u for u in links if not kept[u]]
                if not wanted or (len(links) == 1 and not price[wanted[0]] > 0):
                    continue
                good = room.take(wanted)
                kept[wanted] |= good
                owner = tensor[wanted[0]]
            if good and uses.begin[owner + 1] - uses.begin[owner] > 2:  # other links are left
                prices.update(price, kept, owner)
            taken += good
        if not taken:
            break
    return kept


Offer = tuple[tuple[int, ...], int | None]  # links, or a lone use


def _offers(uses: Uses, prices: Prices, price: Floats, kept: Bools) -> list[Offer]:
    """What may be worth keeping, the most per byte-step first."""
    on = Choice.of(kept, prices.lone).on
    off = np.where(on, 0, 1)
    dropped = np.flatnonzero(~kept & ~uses.last)
    steps = uses.gap[dropped] + off[dropped] + off[np.minimum(dropped + 1, len(off) - 1)]
    worth = [price[dropped] / np.maximum(steps, 0.5)]
    offers: list[Offer] = [((u,), None) for u in dropped.tolist()]
    owner = [uses.tensor[dropped]]
    # whole tensors
    lacking = np.bincount(uses.tensor[dropped], minlength=len(uses.bytes))
    first, last = uses.begin[:-1], uses.begin[1:] - 1
    whole = np.flatnonzero(lacking > 1)
    span = uses.step[last[whole]] - uses.step[first[whole]] + 1
    held = uses.per_tensor(np.where(kept, uses.gap, 0) + on)[whole]
    worth.append(prices.per_tensor(kept)[whole] / np.maximum(span - held, 0.5))
    cuts = np.searchsorted(uses.tensor[dropped], np.append(whole, whole + 1)).reshape(2, -1)
    rows = dropped.tolist()
    offers += [(tuple(rows[a:b]), None) for a, b in zip(*cuts.tolist(), strict=True)]
    owner.append(whole)
    if prices.may_leave:
        single = np.flatnonzero(~on)
        worth.append(prices.per_use(kept)[single])
        offers += [((), u) for u in single.tolist()]
        owner.append(uses.tensor[single])
    rank = np.concatenate(worth) / uses.size[np.concatenate(owner)]
    best = np.argsort(-rank, kind="stable")
    return [offers[k] for k in best[rank[best] > 0].tolist()]
