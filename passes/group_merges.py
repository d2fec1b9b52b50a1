"""The merges of `fuse`: epilogue, chains, tail, prologue, as `grouping.py` tells them."""

from __future__ import annotations

from cosmalloc.passes.group_state import ALONE, JOINS, Groups, reach


def fuse(state: Groups) -> None:
    """Merge groups by the rule."""
    for operation, role in enumerate(state.flow.roles):
        if role in JOINS:
            _epilogue(state, operation)
    for root in _roots(state):
        _forward(state, root, into_kernels=False)
    for root in _roots(state):
        _tail(state, root)
    for root in _roots(state):
        _forward(state, root, into_kernels=True)


def _epilogue(state: Groups, operation: int) -> None:
    """Let an element-wise operation join the best group whose sole result it alone reads."""
    best: tuple[bool, int, int] | None = None
    for value in state.flow.reads[operation]:
        base = state.storage[value]
        maker = state.flow.made_by[base]
        if maker < 0 or state.free[maker] or state.readers[base] != (operation,):
            continue
        if len(state.flow.results[maker]) > 1 or state.apart[maker]:
            continue
        rank = (not state.pure[maker], state.bytes[base], maker)
        best = rank if best is None else max(best, rank)
    if best is not None:
        state.merge(best[2], operation)


def _tail(state: Groups, root: int) -> None:
    """Let the best group with a kernel join the element-wise group `root` that alone reads it."""
    if state.root(root) != root or not state.pure[root]:
        return
    best: tuple[int, int] | None = None
    _, inputs = reach(state, state.members[root])
    for value in inputs:
        maker = state.flow.made_by[value]
        if maker < 0 or state.root(maker) != maker or len(state.flow.results[maker]) > 1:
            continue
        if state.pure[maker] or state.apart[maker] or _broadcast(state, value):
            continue
        if all(end < len(state.parent) and state.root(end) == root for end in state.readers[value]):
            best = max(best or (0, 0), (state.bytes[value], maker))
    if best is not None:
        state.merge(best[1], root)


def _broadcast(state: Groups, value: int) -> bool:
    """Whether some reader takes the value through a broadcast, views looked through."""
    for user in state.flow.users[value]:
        if user == len(state.parent):
            continue
        role = state.flow.roles[user]
        results = state.flow.results[user]
        if role == "broadcast" or (role == "view" and any(_broadcast(state, r) for r in results)):
            return True
    return False


def _roots(state: Groups) -> list[int]:
    """Last operation of every group, last group first; some may merge before their turn."""
    return [root for root in sorted(state.members, reverse=True) if not state.free[root]]


def _forward(state: Groups, tail: int, *, into_kernels: bool) -> None:
    """Let the element-wise group that ends in `tail` join the one group that reads it."""
    if state.root(tail) != tail or not state.pure[tail] or len(state.flow.results[tail]) > 1:
        return
    result = state.flow.results[tail][0]
    readers = state.readers[result]
    if not readers or len(state.parent) in readers:
        return
    reading = {state.root(reader) for reader in readers}
    if len(reading) > 1:
        return
    late = reading.pop()
    pure = state.pure[late]
    if pure or (into_kernels and _may_precede(state, tail, late, result)):
        state.merge(tail, late)


def _may_precede(state: Groups, tail: int, late: int, result: int) -> bool:
    for operation in state.members[late]:
        if state.flow.roles[operation] in ALONE:
            return False
        targets = {state.flow.reads[operation][i] for _, i in state.in_place[operation]}
        if any(state.storage[target] == result for target in targets):
            return False
    _, inputs = reach(state, state.members[tail])
    return 8 * sum(state.bytes[value] for value in inputs) <= 9 * state.bytes[result]
