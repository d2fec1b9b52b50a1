"""What one link, or one use on chip alone, changes: the copies and direct accesses of its tensor.

For link u between uses u and u + 1, all other links as they are:

    left  = use u is on chip without it:  kept[u - 1] or lone[u]
    right = use u + 1 is:                 kept[u + 1] or lone[u + 1]
    (1)  loads with it - loads without = 1 - left - right - (use u produces and not left)
    (2)  stores = 1 if produced on chip and (an output, or some link is dropped), else 0
    (3)  a use that the link brings on chip is no direct access any more

For use u brought on chip alone: one load more, unless it produces; (2) and (3) as above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from cosmalloc.greedy.uses import Bools, Ints, Uses

Row = TypeVar("Row", Bools, Ints)


@dataclass(frozen=True)
class Moved:
    """Of one tensor, told at each of its rows. int64[R]: loads, stores; bytes read and written
    directly."""

    loads: Ints
    stores: Ints
    reads: Ints
    writes: Ints


@dataclass(frozen=True)
class Effects:
    """Per row of a slice that holds whole tensors. on, left, right: bool[R]; on: on chip now.

    without, beside: what moves without the row's link, and with it. alone: with the use on chip
    alone, where it is off. now: as it is.
    """

    on: Bools
    left: Bools
    right: Bools
    now: Moved
    without: Moved
    beside: Moved
    alone: Moved


def effects(uses: Uses, kept: Bools, lone: Bools, rows: slice) -> Effects:
    """The effects of every link and use in `rows`, the rows of one tensor or of all."""
    held, alone = kept[rows], lone[rows]
    produces, last, accessed = uses.produces[rows], uses.last[rows], uses.accessed[rows]
    output, made = uses.output[uses.tensor[rows]], uses.made[uses.tensor[rows]]
    spread = _Spread(uses, rows)
    joined = _down(held)
    left, right = joined | alone, _up(held | alone)
    on = held | left
    dropped = spread(~held & ~last)
    first_on = spread(on & produces) > 0
    loads = spread(on & ~joined & ~produces)
    reads = spread(np.where(on | produces, 0, accessed))
    writes = spread(np.where(on | ~produces, 0, accessed))

    def stores(on_first: Bools, gaps: Ints) -> Ints:  # (2)
        return (made & on_first & (output | (gaps > 0))).astype(np.int64)

    load = 1 - left.astype(np.int64) - right - (produces & ~left)  # (1)
    read = np.where(left | produces, 0, accessed) + np.where(right, 0, _up(accessed))  # (3)
    write = np.where(produces & ~left, accessed, 0)
    reader = np.where(produces, 0, accessed)
    return Effects(
        on,
        left,
        right,
        Moved(loads, stores(first_on, dropped), reads, writes),
        Moved(
            loads - np.where(held, load, 0),
            stores(np.where(produces, left, first_on), dropped + held),
            reads + np.where(held, read, 0),
            writes + np.where(held, write, 0),
        ),
        Moved(
            loads + np.where(held, 0, load),
            stores(first_on | produces, dropped - ~held),
            reads - np.where(held, 0, read),
            writes - np.where(held, 0, write),
        ),
        Moved(
            loads + np.where(produces, 0, 1),
            stores(first_on | produces, dropped),
            reads - reader,
            writes - (accessed - reader),
        ),
    )


class _Spread:
    """Sums row values over each tensor and tells every row its tensor's sum."""

    def __init__(self, uses: Uses, rows: slice) -> None:
        self._tensor = uses.tensor[rows]
        self._single = len(self._tensor) > 0 and bool(self._tensor[0] == self._tensor[-1])
        self._tensors = len(uses.bytes)

    def __call__(self, amount: Ints | Bools) -> Ints:
        if self._single:
            return np.full(len(amount), amount.sum(), np.int64)
        total = np.zeros(self._tensors, np.int64)
        np.add.at(total, self._tensor, amount)
        spread: Ints = total[self._tensor]
        return spread


def _down(values: Bools) -> Bools:
    """Row u takes the value of row u - 1; no link leads into a tensor's first row."""
    moved = np.zeros_like(values)
    moved[1:] = values[:-1]
    return moved


def _up(values: Row) -> Row:
    """Row u takes the value of row u + 1."""
    moved = np.zeros_like(values)
    moved[:-1] = values[1:]
    return moved
