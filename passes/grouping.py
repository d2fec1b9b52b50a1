"""Which operations form one kernel: the rule of `group-operators`.

*Free* operations belong to nobody, every kernel that needs one makes it again: small constants,
iota, broadcasts, views, and element-wise operations on nothing but constants. Every other operation
starts as a group of its own; that is the policy `single`. With `fuse` groups merge, only where the
sole result of one is read by the other alone, so that a merge never closes a cycle:

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
stood. With `none` every operation but views is a group, and every constant a weight. With `learned`
groups merge where that makes them quicker, by the seconds that a cost model predicts:
`group_search.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from cosmalloc.passes.dataflow import Dataflow
from cosmalloc.passes.group_merges import fuse
from cosmalloc.passes.group_search import Price, search
from cosmalloc.passes.group_state import Groups, reach, start
from cosmalloc.passes.rules import Rules

Policy = Literal["fuse", "single", "none"]  # by rule
Way = Literal["fuse", "single", "none", "learned"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
WAYS: tuple[Way, ...] = get_args(Way)


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


def group(flow: Dataflow, rules: Rules, policy: Policy) -> Grouping:
    """Kernels of a block by the rule above."""
    state = start(flow, rules, share=policy != "none")
    if policy == "fuse":
        fuse(state)
    return grouping(state)


def group_by_price(
    flow: Dataflow, rules: Rules, prices: Callable[[Sequence[Group]], Sequence[Price]]
) -> Grouping:
    """Kernels of a block by the seconds that each would take."""
    state, goal = (start(flow, rules, share=True) for _ in range(2))
    fuse(goal)
    merge_by_price(state, goal, prices)
    return grouping(state)


def merge_by_price(
    state: Groups,
    goal: Groups,
    prices: Callable[[Sequence[Group]], Sequence[Price]],
    among: frozenset[int] | None = None,
) -> None:
    """The same on groups as they are. goal: what `fuse` makes of the block. among: of `search`."""
    search(
        state,
        lambda found: prices([formed(state, members) for members in found]),
        lambda early, late: goal.root(early) == goal.root(late),
        among=among,
    )


def grouping(state: Groups) -> Grouping:
    """The groups as they are, in order."""
    flow = state.flow
    weights = tuple(
        i
        for i, op in enumerate(flow.operations)
        if op.name == "stablehlo.constant" and not state.free[i]
    )
    groups = tuple(
        formed(state, state.members[root])
        for root in sorted(state.members)
        if not state.free[root] and flow.operations[root].name != "stablehlo.constant"
    )
    return Grouping(groups, weights)


def formed(state: Groups, members: Sequence[int]) -> Group:
    """The group that these operations make, with the free ones they need."""
    operations, inputs = reach(state, members)
    own, count = set(members), len(state.flow.operations)
    made = [value for member in sorted(members) for value in state.flow.results[member]]
    outputs = [
        value
        for value in made
        if any(end == count or end not in own for end in state.readers[value])
    ]
    return Group(tuple(operations), tuple(inputs), tuple(outputs or made))
