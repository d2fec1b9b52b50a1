"""The standing stays of a plan in the making, where they lie, and what it costs to make room.

A stay is known by the row of its first use; kept links join its uses. Room for a box of `size`
bytes at offset x in steps [start, stop) costs

    cost(x) = sum over stays s whose bytes meet [x, x + size) in these steps of cost(s)
    cost(s) = price of the one link of s whose gap covers [start, stop), infinite if there is none

Dropping that link cuts the stay in two, both at their old offset, and frees the box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.prices import Floats, Prices
from cosmalloc.greedy.uses import Bools, Ints, Uses

ABSENT = -1


@dataclass(frozen=True)
class Neighbours:
    """Stays alive in a window: first rows, offsets and bytes, int64[K].

    link: int64[K], the row of the link that covers the window, ABSENT if there is none to drop.
    cost: float64[K], its price, infinite if there is none. frozen: bool[K], it may not move.
    """

    first: Ints
    offset: Ints
    bytes: Ints
    link: Ints
    cost: Floats
    frozen: Bools

    def meeting(self, offset: int, size: int) -> Ints:
        """int64: indices of those that hold a byte of [offset, offset + size)."""
        return np.flatnonzero((self.offset < offset + size) & (self.offset + self.bytes > offset))


class Board:
    """Mutable. kept: bool[U] as in `Choice`; price: float64[U], kept up to date as links toggle.

    last, offset: int64[U] by first row, ABSENT where no stay stands.
    pinned: bool[U], at this use the stay shares its offset with an in-place partner: it can't move.
    trimmed: bool[U], and the partner accounts for the bytes of this use's step.
    trail: the steps of every stay that was put down; whoever reads it clears it.
    """

    def __init__(self, uses: Uses, kept: Bools, prices: Prices) -> None:
        rows = len(uses.step)
        self.uses = uses
        self.kept = kept
        self.prices = prices
        self.price = prices.per_link(kept)
        self.last = np.full(rows, ABSENT, np.int64)
        self.offset = np.full(rows, ABSENT, np.int64)
        self.pinned = np.zeros(rows, np.bool_)
        self.trimmed = np.zeros(rows, np.bool_)
        self.bytes = uses.bytes[uses.tensor]
        self.capacity = uses.problem.target.scratchpad_bytes
        self.alignment = uses.problem.target.alignment
        self.trail: list[tuple[int, int]] = []
        self.space = native.Allocation(self.alignment)
        self._stride = uses.steps + 1
        self._when = uses.tensor * self._stride + uses.step  # ascending

    def box(self, first: int, last: int) -> tuple[int, int]:
        """Steps [start, stop) of the bytes that the stay accounts for; maybe empty."""
        uses = self.uses
        start = int(uses.step[first]) + int(self.trimmed[first] and uses.produces[first])
        stop = int(uses.step[last]) + 1 - int(self.trimmed[last] and not uses.produces[last])
        return start, stop

    def stand(self, first: int, last: int, offset: int) -> None:
        """Puts a stay on free bytes."""
        start, stop = self.box(first, last)
        if start < stop:
            self.space.insert_at(first, start, stop, int(self.bytes[first]), offset)
        self.last[first], self.offset[first] = last, offset
        self.trail.append((start, stop))

    def lift(self, first: int) -> tuple[int, int, int]:
        """Takes a stay away; returns what puts it back."""
        stay = first, int(self.last[first]), int(self.offset[first])
        if first in self.space:
            self.space.remove(first)
        self.last[first] = self.offset[first] = ABSENT
        return stay

    def find(self, first: int, last: int) -> int:
        """A free offset for a stay, the tightest, or ABSENT."""
        start, stop = self.box(first, last)
        return self.space.find(start, stop, int(self.bytes[first]), self.capacity, "best")

    def toggle(self, link: int) -> None:
        """Keeps or drops a link; where the stays stand is the caller's business."""
        self.kept[link] = not self.kept[link]
        self.prices.update(self.price, self.kept, int(self.uses.tensor[link]))

    def cut(self, link: int) -> None:
        """Drops a link; its stay stays where it is, in two pieces."""
        first, last, offset = self.lift(self.head(link))
        self.toggle(link)
        for piece in self.pieces(first, last, link):
            self.stand(*piece, offset)

    def leave(self, row: int) -> None:
        """A use without links is off-chip from now on."""
        self.prices.lone[row] = False
        self.prices.update(self.price, self.kept, int(self.uses.tensor[row]))

    def unpin(self, first: int, last: int) -> None:
        """A stay without a place stops sharing an offset with in-place partners."""
        self.pinned[[first, last]] = False
        self.trimmed[[first, last]] = False

    def head(self, row: int) -> int:
        """The first row of the run of kept links that covers a row."""
        while row > 0 and self.kept[row - 1]:
            row -= 1
        return row

    def tail(self, row: int) -> int:
        """The last row of the run of kept links that covers a row."""
        while self.kept[row]:
            row += 1
        return row

    def neighbours(self, start: int, stop: int) -> Neighbours:
        """The stays alive in steps [start, stop), with the price of cutting them there."""
        first = self.space.alive(start, stop)
        last = self.last[first]
        later = np.searchsorted(self._when, self.uses.tensor[first] * self._stride + start)
        inside = self.uses.step[np.minimum(later, last)] < stop
        link = later - 1
        ok = (later <= last) & (link >= first) & ~inside & ~self._pins(first, last, link)
        link = np.where(ok, link, ABSENT)
        cost = np.where(ok, self.price[link], np.inf)
        return Neighbours(
            first,
            self.offset[first],
            self.bytes[first],
            link,
            cost,
            self.pinned[first] | self.pinned[last],
        )

    def holds_pin(self, link: int) -> bool:
        """Without this link a pinned use would leave the chip."""
        first, last = np.array([self.head(link)]), np.array([self.tail(link)])
        return bool(self._pins(first, last, np.array([link]))[0])

    def _pins(self, first: Ints, last: Ints, link: Ints) -> Bools:
        left = (link == first) & self.pinned[first] & ~self.prices.lone[first]
        right = (link + 1 == last) & self.pinned[last] & ~self.prices.lone[last]
        held: Bools = left | right
        return held

    def pieces(self, first: int, last: int, link: int) -> list[tuple[int, int]]:
        """What is left of a stay (first, last) without one of its links."""
        halves = ((first, link), (link + 1, last))
        return [(a, b) for a, b in halves if a < b or self.prices.lone[a]]

    def offsets_for(self, around: Neighbours, size: int) -> Ints:
        """int64: the offsets at which a box of `size` bytes touches the floor or a neighbour."""
        align = self.alignment
        above = -(-(around.offset + around.bytes) // align) * align
        below = (around.offset - size) // align * align
        offsets = np.unique(np.concatenate([[0], above, below]))
        return offsets[(offsets >= 0) & (offsets + size <= self.capacity)]


def cost_at(offsets: Ints, around: Neighbours, size: int, cost: Floats) -> Floats:
    """float64: cost(x) of the module's formula for each offset, with cost[k] of neighbour k."""
    blocked = np.isinf(cost)
    price = np.where(blocked, 0.0, cost)
    by_low = np.argsort(around.offset)
    by_high = np.argsort(around.offset + around.bytes)
    low, high = around.offset[by_low], (around.offset + around.bytes)[by_high]
    total = []
    for amount in (price, blocked.astype(np.float64)):
        begun = np.append(0.0, np.cumsum(amount[by_low]))
        ended = np.append(0.0, np.cumsum(amount[by_high]))
        total.append(
            begun[np.searchsorted(low, offsets + size, "left")]
            - ended[np.searchsorted(high, offsets, "right")]
        )
    return np.where(total[1] > 0.5, np.inf, np.maximum(total[0], 0.0))
