"""What links and lone uses are worth, given all the others: bytes of traffic."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from cosmalloc.greedy.effects import Moved, effects
from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.uses import Bools, Ints, Uses

Floats = npt.NDArray[np.float64]


class Prices(Protocol):
    """lone: bool[U], a use is on chip even where no kept link touches it. may_leave: bool, the
    operand rule lets a use be off-chip."""

    lone: Bools
    may_leave: bool

    def per_link(self, kept: Bools) -> Floats:
        """float64[U]: what dropping each kept link costs, what keeping each dropped one saves."""
        ...

    def per_tensor(self, kept: Bools) -> Floats:
        """float64[T]: what keeping all links of a tensor saves."""
        ...

    def per_use(self, kept: Bools) -> Floats:
        """float64[U]: what having a use on chip alone saves, where it is off-chip."""
        ...

    def total(self, kept: Bools) -> float:
        """What all that moves costs."""
        ...

    def update(self, price: Floats, kept: Bools, tensor: int) -> None:
        """Sets the prices of one tensor's links anew, after some of its links or uses changed."""
        ...


class ResidentTraffic:
    """Non-compulsory bytes under the operand rule `resident`.

    price = bytes * (2 if no other link of the tensor is dropped and it needs a store for that,
                     else 1)
    """

    may_leave = False

    def __init__(self, uses: Uses) -> None:
        self.lone = np.ones(len(uses.step), np.bool_)
        self._uses = uses
        self._storing = uses.made & ~uses.output

    def per_link(self, kept: Bools) -> Floats:
        uses = self._uses
        dropped = ~kept & ~uses.last
        of_tensor = uses.per_tensor(dropped.astype(np.int64))
        double = self._storing[uses.tensor] & (of_tensor[uses.tensor] - dropped == 0)
        return np.where(double, 2.0, 1.0) * uses.bytes[uses.tensor].astype(np.float64)

    def per_tensor(self, kept: Bools) -> Floats:
        dropped = self._uses.per_tensor((~kept & ~self._uses.last).astype(np.int64))
        copies = dropped + (self._storing & (dropped > 0))
        return (self._uses.bytes * copies).astype(np.float64)

    def per_use(self, kept: Bools) -> Floats:
        return np.full(len(kept), np.inf)

    def total(self, kept: Bools) -> float:
        return float(self.per_tensor(kept).sum())

    def update(self, price: Floats, kept: Bools, tensor: int) -> None:
        rows = self._uses.rows_of(tensor)
        dropped = ~kept[rows] & ~self._uses.last[rows]
        double = (dropped.sum() - dropped == 0) & self._storing[tensor]
        price[rows] = np.where(double, 2.0, 1.0) * self._uses.bytes[tensor]


class AnywhereTraffic:
    """Non-compulsory bytes under the operand rule `anywhere`, by the formula of `links`."""

    may_leave = True

    def __init__(self, uses: Uses) -> None:
        self.lone = np.zeros(len(uses.step), np.bool_)
        self._uses = uses
        read = (np.diff(uses.begin) > 0) & ~uses.made
        self._must_read = np.where(read, uses.bytes, 0)[uses.tensor]
        self._must_write = np.where(uses.output, uses.bytes, 0)[uses.tensor]

    def per_link(self, kept: Bools) -> Floats:
        return self._links(kept, slice(0, len(kept)))

    def per_tensor(self, kept: Bools) -> Floats:
        uses = self._uses
        whole = Choice.of(~uses.last, self.lone)
        saved: Ints = traffic(uses, Choice.of(kept, self.lone)) - traffic(uses, whole)
        return saved.astype(np.float64)

    def per_use(self, kept: Bools) -> Floats:
        rows = slice(0, len(kept))
        found = effects(self._uses, kept, self.lone, rows)
        saved = self._bytes(found.now, rows) - self._bytes(found.alone, rows)
        return np.where(found.on, 0, saved).astype(np.float64)

    def total(self, kept: Bools) -> float:
        return float(traffic(self._uses, Choice.of(kept, self.lone)).sum())

    def update(self, price: Floats, kept: Bools, tensor: int) -> None:
        rows = self._uses.rows_of(tensor)
        price[rows] = self._links(kept, rows)

    def _links(self, kept: Bools, rows: slice) -> Floats:
        found = effects(self._uses, kept, self.lone, rows)
        saved = self._bytes(found.without, rows) - self._bytes(found.beside, rows)
        return np.where(self._uses.last[rows], 0, saved).astype(np.float64)

    def _bytes(self, moved: Moved, rows: slice) -> Ints:
        size = self._uses.bytes[self._uses.tensor[rows]]
        read = moved.loads * size + moved.reads - self._must_read[rows]
        written = moved.stores * size + moved.writes - self._must_write[rows]
        total: Ints = np.maximum(0, read) + np.maximum(0, written)
        return total
