"""Groups by price: merges that make a program quicker, as somebody who knows seconds sees it.

It starts from the groups of `single` and merges in rounds. A merge is legal where the sole result
of one group is read by another alone, at most one of the two holds a kernel, the early one neither
updates in place nor is control flow, and the late one does not update that result in place nor is
control flow; so a merge never closes a cycle, and `fuse` makes no merge that is not legal here.

    both   = max(seconds(early and late), seconds(early), seconds(late))                       (1)
    gain   = seconds(early) + seconds(late) - both                                             (2)
    doubt  = spread(early and late) * both, spread the deviation of log-seconds                (3)

A kernel does not get quicker by doing more (1): whoever chooses among predictions finds the ones
that are too low. So the rule of `fuse` decides where the prices leave doubt: a merge that it makes
needs a gain above -doubt, any other one a gain above doubt. A round prices all legal merges at once
and makes those, the largest gain first, each group at most once; ties go to the earliest. The
search ends when there is none left, or after `ROUNDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

from cosmalloc.passes.group_state import ALONE, Groups

Members: TypeAlias = "tuple[int, ...]"  # operations of a group, rising, free ones left out
ROUNDS = 40
UNKNOWN = 0.1  # the spread of a price that tells none


@dataclass(frozen=True, slots=True)
class Price:
    """seconds of a kernel, nan where nobody knows; spread: deviation of their logarithm."""

    seconds: float
    spread: float = 0.0


Pricing: TypeAlias = "Callable[[Sequence[Members]], Sequence[Price]]"


def search(
    state: Groups,
    pricing: Pricing,
    ruled: Callable[[int, int], bool] = lambda _early, _late: False,
    rounds: int = ROUNDS,
    among: frozenset[int] | None = None,
) -> None:
    """Merge groups as long as it gains.

    pricing: of all groups of a round, in one call. ruled: whether `fuse` merges two groups. among:
    only groups of these operations merge.
    """
    known: dict[Members, Price] = {}
    for _ in range(rounds):
        pairs = list(legal_merges(state, among))
        asked = {members: None for pair in pairs for members in _priced(state, *pair)}
        fresh = [members for members in asked if members not in known]
        known.update(zip(fresh, pricing(fresh), strict=True))
        if not _merge_best(state, pairs, known, ruled):
            return


def legal_merges(state: Groups, among: Iterable[int] | None = None) -> Iterator[tuple[int, int]]:
    """(early, late) for every merge that is legal now, by rising `early`. among: operations whose
    groups count; all without it."""
    inside = None if among is None else frozenset(among)
    for early in sorted(state.members if inside is None else inside & state.members.keys()):
        late = _reader(state, early)
        if late is None or (inside is not None and late not in inside):
            continue
        if _may_merge(state, early, late):
            yield early, late


def merged(state: Groups, early: int, late: int) -> Members:
    """The operations of both groups."""
    return tuple(sorted((*state.members[early], *state.members[late])))


def worth(one: Price, two: Price, both: Price, *, ruled: bool) -> float | None:
    """The gain (2) of a merge that is to be made, None for others."""
    seconds = max(both.seconds, one.seconds, two.seconds)  # (1)
    gain = one.seconds + two.seconds - seconds  # (2)
    spread = both.spread if isfinite(both.spread) else UNKNOWN
    doubt = spread * seconds  # (3)
    if not isfinite(one.seconds + two.seconds + both.seconds):
        return None
    return gain if gain > (-doubt if ruled else doubt) else None


def _merge_best(
    state: Groups,
    pairs: Sequence[tuple[int, int]],
    known: dict[Members, Price],
    ruled: Callable[[int, int], bool],
) -> bool:
    """Make the merges of a round; whether there was one."""
    gains = []
    for early, late in pairs:
        one, two, both = (known[members] for members in _priced(state, early, late))
        gain = worth(one, two, both, ruled=ruled(early, late))
        if gain is not None:
            gains.append((-gain, early, late))
    taken: set[int] = set()
    for _, early, late in sorted(gains):
        if early not in taken and late not in taken:
            taken |= {early, late}
            state.merge(early, late)
    return bool(taken)


def _priced(state: Groups, early: int, late: int) -> tuple[Members, Members, Members]:
    own, other = (tuple(sorted(state.members[root])) for root in (early, late))
    return own, other, merged(state, early, late)


def _reader(state: Groups, early: int) -> int | None:
    """The one group that reads the sole result of `early`."""
    flow = state.flow
    if state.free[early] or flow.operations[early].name == "stablehlo.constant":
        return None
    if len(flow.results[early]) != 1:
        return None
    readers = state.readers[flow.results[early][0]]
    if not readers or len(state.parent) in readers:
        return None
    groups = {state.root(reader) for reader in readers}
    return groups.pop() if len(groups) == 1 else None


def _may_merge(state: Groups, early: int, late: int) -> bool:
    if state.apart[early] or not (state.pure[early] or state.pure[late]):
        return False
    result = state.flow.results[early][0]
    for operation in state.members[late]:
        if state.flow.roles[operation] in ALONE:
            return False
        targets = {state.flow.reads[operation][i] for _, i in state.in_place[operation]}
        if any(state.storage[target] == result for target in targets):
            return False
    return True
