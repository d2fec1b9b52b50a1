"""Links as stays: what needs an offset, and which parts of the program pack by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.greedy.working_set import Pair


@dataclass(frozen=True)
class Stays:
    """Residencies that still lack an offset, sorted by first row; arrays int64[K].

    first, last: rows of the first and the last use of the stay. tensor, bytes: whose, how large.
    start, stop: steps [start, stop).
    before: the stay whose bytes this one takes in place in its first step, -1 if none.
    group: stays joined to a chain by `before` share it, and an offset.
    """

    first: Ints
    last: Ints
    tensor: Ints
    bytes: Ints
    start: Ints
    stop: Ints
    before: Ints
    group: Ints

    def __len__(self) -> int:
        return len(self.first)


def stays_of(uses: Uses, choice: Choice, pairs: tuple[Pair, ...]) -> Stays:
    """The stays of a choice.

    A pair counts where its operand's stay ends, and its result's stay starts, in its step.
    """
    first, last = np.flatnonzero(choice.starts()), np.flatnonzero(choice.stops())
    before = np.full(len(first), -1, np.int64)
    group = np.arange(len(first))
    for pair in pairs:  # by step, so the operand's group is final
        a = int(np.searchsorted(last, uses.begin[pair.operand + 1] - 1))
        r = int(np.searchsorted(first, uses.begin[pair.result]))
        if (
            a < len(last)
            and r < len(first)
            and last[a] == uses.begin[pair.operand + 1] - 1
            and first[r] == uses.begin[pair.result]
        ):
            before[r], group[r] = a, group[a]
    tensor = uses.tensor[first]
    return Stays(
        first,
        last,
        tensor,
        uses.bytes[tensor],
        uses.step[first],
        uses.step[last] + 1,
        before,
        group,
    )


def sections(stays: Stays) -> list[Ints]:
    """Stays cut where no group is alive on both sides of a border: int64 indices, by time."""
    if not len(stays):
        return []
    lower = np.full(len(stays), np.iinfo(np.int64).max)
    upper = np.zeros(len(stays), np.int64)
    np.minimum.at(lower, stays.group, stays.start)
    np.maximum.at(upper, stays.group, stays.stop)
    by_start = np.argsort(lower[stays.group], kind="stable")
    reach = np.maximum.accumulate(upper[stays.group][by_start])
    cuts = np.flatnonzero(lower[stays.group][by_start][1:] >= reach[:-1]) + 1
    return np.split(by_start, cuts)
