"""A choice of links as stays: what needs an offset, and which parts of the program can be packed by
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.greedy.working_set import Pair


@dataclass(frozen=True)
class Stays:
    """Residencies that still lack an offset, sorted by first row; arrays int64[K].

    first, last: rows of the first and the last use of the stay. tensor, bytes: whose, and how
    large.
    start, stop: steps [start, stop). group: stays of one group share an offset, in-place pairs
    joined to chains.
    """

    first: Ints
    last: Ints
    tensor: Ints
    bytes: Ints
    start: Ints
    stop: Ints
    group: Ints

    def __len__(self) -> int:
        return len(self.first)


def stays_of(uses: Uses, choice: Choice, pairs: tuple[Pair, ...]) -> Stays:
    """The stays of `choice`; a pair counts where its operand's stay ends and its result's stay
    starts in its step.
    """
    first, last = np.flatnonzero(choice.starts()), np.flatnonzero(choice.stops())
    tensor = uses.tensor[first]
    group = np.arange(len(first))
    for pair in pairs:
        a = np.searchsorted(last, uses.begin[pair.operand + 1] - 1)
        r = np.searchsorted(first, uses.begin[pair.result])
        ends = a < len(last) and tensor[a] == pair.operand and uses.step[last[a]] == pair.step
        starts = r < len(first) and tensor[r] == pair.result and uses.step[first[r]] == pair.step
        if ends and starts:
            group[r] = group[a]  # pairs come by step, so group[a] is final
    return Stays(
        first, last, tensor, uses.bytes[tensor], uses.step[first], uses.step[last] + 1, group
    )


def sections(stays: Stays) -> list[Ints]:
    """Stays cut where no group is alive on both sides of a border: int64 indices of each section,
    in time order.
    """
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
