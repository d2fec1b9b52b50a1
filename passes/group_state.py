"""Groups while they form: which operations are free, who reads what, which groups are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.dataflow import Dataflow
from cosmalloc.passes.rules import Rules, where

DATA_BYTES = 4096  # a dense constant of at least so many bytes is a weight, not part of a kernel
JOINS = ("elementwise", "movement")  # roles that join other groups
ALONE = ("control", "structure")  # structure: calls of kernels that were formed before


@dataclass
class Groups:
    """A union-find over operations, and what merging asks of a group."""

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


def start(flow: Dataflow, rules: Rules, *, share: bool) -> Groups:
    """Every operation a group of its own. share: constants, broadcasts and such are free."""
    size = [_size(handle, rules) for handle in flow.handles]
    count = len(flow.operations)
    free = [_is_free(flow, size, i, share) for i in range(count)]
    if share:
        _free_constant_chains(flow, free)
    _own_what_is_returned(flow, rules, free)
    in_place = [
        () if is_free else rules.in_place(op)
        for op, is_free in zip(flow.operations, free, strict=True)
    ]
    return Groups(
        flow=flow,
        bytes=size,
        free=free,
        in_place=in_place,
        storage=[storage(flow, rules, value) for value in range(len(flow.made_by))],
        readers=_readers(flow, free),
        parent=list(range(count)),
        members={i: [i] for i in range(count)},
        pure=[role in JOINS for role in flow.roles],
        apart=[bool(in_place[i]) or flow.roles[i] in ALONE for i in range(count)],
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


def _is_free(flow: Dataflow, size: Sequence[int], operation: int, share: bool) -> bool:
    role = flow.roles[operation]
    if role == "view":
        return True
    if not share:
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
        if known and role in JOINS:
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


def reach(state: Groups, members: Sequence[int]) -> tuple[list[int], list[int]]:
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
