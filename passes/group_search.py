"""Groups by price: merges that make a program quicker, as somebody who knows seconds sees it.

It starts from the groups of `single` and merges in rounds. A merge is legal where the sole result
of one group is read by another alone, at most one of the two holds a kernel, the early one neither
updates in place nor is control flow, and the late one does not update that result in place nor is
control flow; so a merge never closes a cycle, and `fuse` makes no merge that is not legal here.

    gain(early, late) = seconds(early) + seconds(late) - seconds(early and late)

A round prices all legal merges at once and makes those with a gain above 0, the largest first, each
group at most once; ties go to the earliest. The search ends when no merge gains, or after `ROUNDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from cosmalloc.passes.group_state import ALONE, Groups

Members: TypeAlias = "tuple[int, ...]"  # operations of a group, rising, free ones left out
Price: TypeAlias = "Callable[[Sequence[Members]], Sequence[float]]"  # seconds of each
ROUNDS = 40


def search(state: Groups, price: Price, rounds: int = ROUNDS) -> None:
    """Merge groups as long as it gains. price: of all groups of a round, in one call."""
    known: dict[Members, float] = {}
    for _ in range(rounds):
        pairs = list(legal_merges(state))
        asked = {members: None for pair in pairs for members in _priced(state, *pair)}
        fresh = [members for members in asked if members not in known]
        known.update(zip(fresh, price(fresh), strict=True))
        if not _merge_best(state, pairs, known):
            return


def legal_merges(state: Groups, earlies: Iterable[int] | None = None) -> Iterator[tuple[int, int]]:
    """(early, late) for every merge that is legal now, by rising `early`. earlies: only these."""
    for early in sorted(state.members if earlies is None else earlies):
        late = _reader(state, early)
        if late is not None and _may_merge(state, early, late):
            yield early, late


def merged(state: Groups, early: int, late: int) -> Members:
    """The operations of both groups."""
    return tuple(sorted((*state.members[early], *state.members[late])))


def _merge_best(
    state: Groups, pairs: Sequence[tuple[int, int]], known: dict[Members, float]
) -> bool:
    """Make the merges of a round; whether there was one."""
    gains = []
    for early, late in pairs:
        one, two, both = (known[members] for members in _priced(state, early, late))
        if one + two > both:
            gains.append((both - one - two, early, late))
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
