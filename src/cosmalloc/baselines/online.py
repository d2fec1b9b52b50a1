"""The online linear allocator: step by step, first fit, nothing moves without a write and a read.

A tensor that finds no gap evicts by the rule until there is one. `belady` evicts one after the
other; `cheapest` the tensors of the window of addresses that costs least. Where the operands of the
step themselves lie in the way, all leave, and come back side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosmalloc.baselines.replacement import Held, Rule
from cosmalloc.baselines.state import State
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem


def online(problem: Problem, order: Sequence[int], rule: Rule) -> Plan | None:
    """The plan, None if a step does not fit by itself. Nothing is in place."""
    state = State(problem, order)
    for step in range(len(state.order)):
        wanted = state.wanted(step)
        absent = [t for t in wanted if t not in state.offset]
        if not all(settle(state, rule, t, step, wanted) for t in absent) and not restart(
            state, step, wanted
        ):
            return None
        state.bury(step + 1)
    return state.plan()


def settle(state: State, rule: Rule, tensor: int, step: int, pinned: Sequence[int]) -> bool:
    """A place for the tensor; evicts for it."""
    size = state.bytes[tensor]
    offset = gap(state, size)
    if offset is None and rule == "cheapest":
        offset = evict_window(state, size, step, pinned)
    while offset is None:
        held = state.held(step, pinned)
        if not held:
            return False
        state.leave(max(held, key=lambda one: (one.next_use, one.bytes, one.tensor)).tensor, step)
        offset = gap(state, size)
    state.enter(tensor, step, offset)
    return True


def gap(state: State, size: int) -> int | None:
    """The lowest offset with `size` free bytes."""
    return next((low for low, high in gaps(state, state.offset) if high - low >= size), None)


def gaps(state: State, blocks: Sequence[int] | dict[int, int]) -> Iterator[tuple[int, int]]:
    """Free bytes [low, high) between the blocks, low aligned."""
    target = state.problem.target
    low = 0
    for tensor in sorted(blocks, key=lambda t: state.offset[t]):
        yield low, state.offset[tensor]
        end = state.offset[tensor] + state.bytes[tensor]
        low = -(-end // target.alignment) * target.alignment
    yield low, target.scratchpad_bytes


def evict_window(state: State, size: int, step: int, pinned: Sequence[int]) -> int | None:
    """Frees the `size` bytes whose tensors cost least to evict; their offset, None if none can be.

    The best window starts where a tensor starts or ends, or at 0.
    """
    held: dict[int, Held] = {one.tensor: one for one in state.held(step, pinned)}
    starts = {0, *state.offset.values()}
    align = state.problem.target.alignment
    starts |= {-(-(at + state.bytes[t]) // align) * align for t, at in state.offset.items()}
    best: tuple[int, int, list[int]] | None = None
    for start in sorted(starts):
        if start + size > state.problem.target.scratchpad_bytes:
            continue
        inside = [
            t for t, at in state.offset.items() if at < start + size and start < at + state.bytes[t]
        ]
        if all(t in held for t in inside):
            price = sum(held[t].price for t in inside)
            if best is None or price < best[0]:
                best = price, start, inside
    if best is None:
        return None
    for tensor in best[2]:
        state.leave(tensor, step)
    return best[1]


def restart(state: State, step: int, wanted: Sequence[int]) -> bool:
    """Everything leaves; the step's tensors stand side by side from 0 on."""
    made_by = state.problem.producer
    results = [t for t in wanted if made_by[t] == state.order[step]]
    fresh = [t for t in state.offset if t not in results and state.started_at(t) == step]
    for tensor in list(state.offset):
        if tensor in results or tensor in fresh:
            state.forget(tensor, step)
        else:
            state.leave(tensor, step)
    align, low = state.problem.target.alignment, 0
    for tensor in wanted:
        if low + state.bytes[tensor] > state.problem.target.scratchpad_bytes:
            return False
        state.enter(tensor, step, low)
        low += -(-state.bytes[tensor] // align) * align
    return True
