"""Phase 1 under the operand rule `resident`: the links to keep while every step's load fits.

A kept link holds size bytes in the gap steps between its uses. Dropping it costs a load of the
tensor; the first drop of a produced tensor that is no output costs a store as well, which serves
all later drops:

    cost(drops of t) = bytes_t * (drops + (1 if drops > 0 and t is made and no output))

Two ways to choose, both greedy by cost per byte-step, each filled up afterwards; the one with less
traffic is taken: *sweep* walks the steps and evicts when a step does not fit (after Belady 1966:
the farthest next use first); *rank* starts with nothing kept and keeps the best link of the whole
program first.
"""

from __future__ import annotations

import heapq

import numpy as np

from cosmalloc.greedy.fill import Room, fill
from cosmalloc.greedy.prices import ResidentTraffic
from cosmalloc.greedy.uses import Bools, Ints, Uses

Heap = list[tuple[int, int]]  # (-next use, row)
Heaps = tuple[Heap, Heap]  # of clean tensors, of dirty ones


def choose(uses: Uses, free: Ints) -> Bools:
    """bool[U]: the links to keep so that they hold at most free[s] bytes in the gap steps s.

    free: int64[steps], at least 0: bytes that a step's operands and results leave.
    """
    everything = ~uses.last
    if (link_load(uses, everything) <= free).all():
        return everything
    prices = ResidentTraffic(uses)
    candidates = []
    for kept in (free_links(uses), sweep(uses, free)):
        room = Room(uses, free - link_load(uses, kept), prices.lone, ())
        candidates.append(fill(uses, prices, room, kept))
    return min(candidates, key=prices.total)


def free_links(uses: Uses) -> Bools:
    """bool[U]: the links that hold no step between their uses, and so cost no space."""
    free: Bools = ~uses.last & (uses.gap == 0)
    return free


def link_load(uses: Uses, kept: Bools) -> Ints:
    """int64[steps]: rounded bytes that kept links hold between their uses."""
    change = np.zeros(uses.steps + 1, np.int64)
    rows = np.flatnonzero(kept)
    size = uses.size[uses.tensor[rows]]
    np.add.at(change, uses.step[rows] + 1, size)
    np.subtract.at(change, uses.step[rows + 1], size)
    return np.cumsum(change)[: uses.steps]


def sweep(uses: Uses, free: Ints) -> Bools:
    """bool[U]: the links kept by evicting, whenever a step does not fit, what costs least per
    byte-step from there on.

    Cost per byte-step is 1 / (next use - now) where an off-chip copy exists (or must exist anyway),
    twice that where it has to be stored first.
    """
    kept = free_links(uses)
    dirty = uses.made & ~uses.output
    by_step = np.argsort(uses.step, kind="stable")
    ends = np.searchsorted(uses.step[by_step], np.arange(uses.steps + 1))
    tensor, gap, size = uses.tensor.tolist(), uses.gap.tolist(), uses.size.tolist()
    heaps: Heaps = ([], [])
    held: dict[int, int] = {}  # tensor -> row of the link that holds it
    held_bytes = 0
    for now, room in enumerate(free.tolist()):
        rows = by_step[ends[now] : ends[now + 1]].tolist()
        for row in rows:
            link = held.pop(tensor[row], None)
            if link is not None:
                kept[link] = True
                held_bytes -= size[tensor[row]]
        while held_bytes > room:
            link = _farthest(heaps, held, tensor, now)
            held_bytes -= size[tensor[link]]
            del held[tensor[link]]
            dirty[tensor[link]] = False
        for row in rows:
            if gap[row] > 0:
                held[tensor[row]] = row
                held_bytes += size[tensor[row]]
                heapq.heappush(heaps[bool(dirty[tensor[row]])], (-(now + gap[row] + 1), row))
    return kept


def _farthest(
    heaps: Heaps,
    held: dict[int, int],
    tensor: list[int],
    now: int,
) -> int:
    """The held link that is cheapest to drop per byte-step."""
    best, best_reach = 0, -1.0
    for price, heap in enumerate(heaps, start=1):
        while heap and held.get(tensor[heap[0][1]]) != heap[0][1]:
            heapq.heappop(heap)
        if heap and (-heap[0][0] - now) / price > best_reach:
            best, best_reach = price, (-heap[0][0] - now) / price
    return heapq.heappop(heaps[best - 1])[1]
