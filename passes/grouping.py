"""Which operations form one kernel: the rule of `group-operators`.

*Free* operations belong to nobody, every kernel that needs one makes it again: small constants,
iota, broadcasts, views, and element-wise operations on nothing but constants. Every other operation
starts as a group of its own. Groups merge only where the sole result of one is read by the other
alone, so a merge never closes a cycle:

    epilogue   an element-wise operation (or transpose, slice, reverse) joins the group that makes
               one of its operands: a group with a kernel first, then the largest operand, then the
               latest. Not through a broadcast, not behind an in-place update or control flow.
    chains     a group of element-wise operations only joins the element-wise group that reads it.
    tail       a group with a kernel joins the element-wise group that reads it (GELU reads its
               operand twice), one kernel a group, under the conditions of an epilogue.
    prologue   a group of element-wise operations only joins the kernel that reads it, if it reads
               no more than 9/8 of the bytes it writes (so that no working set grows by it). Never
               in front of an in-place update's target or of control flow.

A call of a kernel that was formed before stays as it is. A group stands where its last operation
stood. With `none` every operation but views is a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.dataflow import Dataflow
from cosmalloc.passes.rules import Rules, where

Policy = Literal["fuse", "none"]
DATA_BYTES = 4096  # a dense constant of at least so many bytes is a weight, not part of a kernel
_JOINS = ("elementwise", "movement")
_ALONE = ("control", "structure")  # structure: calls of kernels that were formed before


@dataclass(frozen=True, slots=True)
class Group:
    """operations: in an order that runs, free ones included. inputs, outputs: values."""

    operations: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Grouping:
    """groups: in order. weights: constants (operation index) that are tensors of their own."""

    groups: tuple[Group, ...]
    weights: tuple[int, ...]


@dataclass
class _State:
    flow: Dataflow
    bytes: list[int]  # per value
    free: list[bool]  # per operation
    in_place: list[tuple[tuple[int, int], ...]]  # per operation (result, operand)
    storage: list[int]  # per value the value it views
    readers: list[tuple[int, ...]]  # per value, free operations looked through
    parent: list[int]  # union-find over operations; the root is the last one
    members: dict[int, list[int]]
    pure: list[bool]  # per root: element-wise operations and movements only
    apart: list[bool]  # per root: in-place update, control flow, call: nothing joins behind it

    def root(self, operation: int) -> int:
        while self.parent[operation] != operation:
            self.parent[operation] = self.parent[self.parent[operation]]
            operation = self.parent[operation]
        return operation

    def merge(self, early: int, late: int) -> None:
        """Group `early` joins group `late`, whose last operation comes later."""
        self.parent[early] = late
        self.pure[late] = self.pure[late] and self.pure[early]
        self.apart[late] = self.apart[late] or self.apart[early]
        self.members[late].extend(self.members.pop(early))


def group(flow: Dataflow, rules: Rules, policy: Policy) -> Grouping:
    """Kernels of a block by the rule above."""
    state = _start(flow, rules, policy)
    if policy == "fuse":
        for operation, role in enumerate(flow.roles):
            if role in _JOINS:
                _epilogue(state, operation)
        for root in _roots(state):
            _forward(state, root, into_kernels=False)
        for root in _roots(state):
            _tail(state, root)
        for root in _roots(state):
            _forward(state, root, into_kernels=True)
    weights = tuple(
        i
        for i, op in enumerate(flow.operations)
        if op.name == "stablehlo.constant" and not state.free[i]
    )
    groups = tuple(
        _finish(state, root)
        for root in sorted(state.members)
        if not state.free[root] and flow.operations[root].name != "stablehlo.constant"
    )
    return Grouping(groups, weights)


def _start(flow: Dataflow, rules: Rules, policy: Policy) -> _State:
    size = [_size(handle, rules) for handle in flow.handles]
    count = len(flow.operations)
    free = [_is_free(flow, size, i, policy) for i in range(count)]
    if policy == "fuse":
        _free_constant_chains(flow, free)
    _own_what_is_returned(flow, rules, free)
    in_place = [
        () if is_free else rules.in_place(op)
        for op, is_free in zip(flow.operations, free, strict=True)
    ]
    return _State(
        flow=flow,
        bytes=size,
        free=free,
        in_place=in_place,
        storage=[storage(flow, rules, value) for value in range(len(flow.made_by))],
        readers=_readers(flow, free),
        parent=list(range(count)),
        members={i: [i] for i in range(count)},
        pure=[role in _JOINS for role in flow.roles],
        apart=[bool(in_place[i]) or flow.roles[i] in _ALONE for i in range(count)],
    )


def _size(value: ir.Value[Any], rules: Rules) -> int:
    try:
        return rules.tensor_bytes(value.type)
    except InputError as error:
        maker = value.owner
        if isinstance(maker, ir.Block):
            place = f"argument {ir.BlockArgument(value).arg_number}"
        else:
            place = f"a result of {where(maker)}"
        raise InputError(f"{place}: {error.fact}", error.hint) from None


def _is_free(flow: Dataflow, size: Sequence[int], operation: int, policy: Policy) -> bool:
    role = flow.roles[operation]
    if role == "view":
        return True
    if policy == "none":
        return False
    if flow.operations[operation].name == "stablehlo.constant":
        value = flow.operations[operation].attributes["value"]
        dense = isinstance(value, ir.DenseElementsAttr) and not value.is_splat
        return not dense or size[flow.results[operation][0]] < DATA_BYTES
    return role in ("constant", "broadcast")


def _free_constant_chains(flow: Dataflow, free: list[bool]) -> None:
    """Element-wise operations on nothing but free constants are free too."""
    constant = [False] * len(flow.made_by)
    for operation, role in enumerate(flow.roles):
        known = all(constant[value] for value in flow.reads[operation])
        if known and role in _JOINS:
            free[operation] = True
        for value in flow.results[operation]:
            constant[value] = known and free[operation]


def _own_what_is_returned(flow: Dataflow, rules: Rules, free: list[bool]) -> None:
    """What is returned needs storage: a free operation at its root becomes a group."""
    for value in flow.returned:
        maker = flow.made_by[storage(flow, rules, value)]
        if maker >= 0:
            free[maker] = False


def storage(flow: Dataflow, rules: Rules, value: int) -> int:
    """The value whose bytes `value` views: itself unless a view made it."""
    maker = flow.made_by[value]
    while maker >= 0 and flow.roles[maker] == "view":
        viewed = dict(rules.views(flow.operations[maker]))
        value = flow.reads[maker][viewed[flow.results[maker].index(value)]]
        maker = flow.made_by[value]
    return value


def _readers(flow: Dataflow, free: Sequence[bool]) -> list[tuple[int, ...]]:
    """Per value who reads it in the end, free operations looked through; N = the terminator."""
    count = len(flow.operations)
    found: list[tuple[int, ...]] = [()] * len(flow.made_by)
    through: list[tuple[int, ...]] = [()] * count
    for operation in range(count - 1, -1, -1):
        for value in flow.results[operation]:
            found[value] = _merge_readers(flow.users[value], through, free, count)
        if free[operation]:
            ends = (end for value in flow.results[operation] for end in found[value])
            through[operation] = tuple(dict.fromkeys(ends))
    for value in range(flow.outside):
        found[value] = _merge_readers(flow.users[value], through, free, count)
    return found


def _merge_readers(
    users: tuple[int, ...], through: Sequence[tuple[int, ...]], free: Sequence[bool], count: int
) -> tuple[int, ...]:
    if not any(user < count and free[user] for user in users):
        return users
    ends: dict[int, None] = {}
    for user in users:
        for end in through[user] if user < count and free[user] else (user,):
            ends[end] = None
    return tuple(ends)


def _epilogue(state: _State, operation: int) -> None:
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


def _tail(state: _State, root: int) -> None:
    """Let the best group with a kernel join the element-wise group `root` that alone reads it."""
    if state.root(root) != root or not state.pure[root]:
        return
    best: tuple[int, int] | None = None
    _, inputs = _reach(state, state.members[root])
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


def _broadcast(state: _State, value: int) -> bool:
    """Whether some reader takes the value through a broadcast, views looked through."""
    for user in state.flow.users[value]:
        if user == len(state.parent):
            continue
        role = state.flow.roles[user]
        results = state.flow.results[user]
        if role == "broadcast" or (role == "view" and any(_broadcast(state, r) for r in results)):
            return True
    return False


def _roots(state: _State) -> list[int]:
    """Last operation of every group, last group first; some may merge before their turn."""
    return [root for root in sorted(state.members, reverse=True) if not state.free[root]]


def _forward(state: _State, tail: int, *, into_kernels: bool) -> None:
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


def _may_precede(state: _State, tail: int, late: int, result: int) -> bool:
    for operation in state.members[late]:
        if state.flow.roles[operation] in _ALONE:
            return False
        targets = {state.flow.reads[operation][i] for _, i in state.in_place[operation]}
        if any(state.storage[target] == result for target in targets):
            return False
    _, inputs = _reach(state, state.members[tail])
    return 8 * sum(state.bytes[value] for value in inputs) <= 9 * state.bytes[result]


def _reach(state: _State, members: Sequence[int]) -> tuple[list[int], list[int]]:
    """The members, each behind the free operations it needs, and the values from outside."""
    flow, own = state.flow, set(members)
    done: set[int] = set()
    sequence: list[int] = []
    inputs: dict[int, None] = {}

    def need(operation: int) -> None:
        """Depth first over free operations, without recursion: their chains may be long."""
        stack = [(operation, iter(flow.reads[operation]))]
        while stack:
            current, values = stack[-1]
            value = next(values, None)
            if value is None:
                stack.pop()
                done.add(current)
                sequence.append(current)
                continue
            maker = flow.made_by[value]
            if maker in own or maker in done:
                continue
            if maker >= 0 and state.free[maker]:
                stack.append((maker, iter(flow.reads[maker])))
            else:
                inputs[value] = None

    for member in sorted(members):
        need(member)
    return sequence, list(inputs)


def _finish(state: _State, root: int) -> Group:
    members = state.members[root]
    operations, inputs = _reach(state, members)
    made = [value for member in sorted(members) for value in state.flow.results[member]]
    count = len(state.flow.operations)
    outputs = [
        value
        for value in made
        if any(end == count or state.root(end) != root for end in state.readers[value])
    ]
    return Group(tuple(operations), tuple(inputs), tuple(outputs or made))
