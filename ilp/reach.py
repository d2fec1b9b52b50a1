"""Who runs before whom in every order, as bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem

Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Reach:
    """earlier, later: uint8[n, ceil(n / 8)], row o has bit p (lowest first) set if p runs before o,
    after o, in every order."""

    earlier: Bits
    later: Bits

    def before(self, first: int, second: int) -> bool:
        """Whether `first` runs before `second` in every order."""
        return bool(self.earlier[second, first >> 3] >> (first & 7) & 1)

    def earlier_set(self, operator: int) -> int:
        """The set as an int with a bit per operator."""
        return int.from_bytes(self.earlier[operator].tobytes(), "little")

    def later_set(self, operator: int) -> int:
        """As `earlier_set`."""
        return int.from_bytes(self.later[operator].tobytes(), "little")

    def related(self) -> npt.NDArray[np.int64]:
        """int64[n]: how many operators run before or after it in every order."""
        return _counts(self.earlier) + _counts(self.later)


def reach(problem: Problem) -> Reach:
    """The transitive closure. n * n / 4 bytes."""
    count = len(problem.operators)
    earlier = np.zeros((count, -(-count // 8)), np.uint8)
    later = np.zeros_like(earlier)
    order = source_order(problem)
    for o in order:
        for p in set(problem.predecessors(o)):
            earlier[o] |= earlier[p]
            earlier[o, p >> 3] |= 1 << (p & 7)
    for o in reversed(order):
        for p in set(problem.predecessors(o)):
            later[p] |= later[o]
            later[p, o >> 3] |= 1 << (o & 7)
    return Reach(earlier, later)


def _counts(bits: Bits) -> npt.NDArray[np.int64]:
    counts: npt.NDArray[np.int64] = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    return counts
