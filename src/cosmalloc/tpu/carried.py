"""What a loop carries from trip to trip lies in one memory: one verdict for all that shares it.

The compiler gives the values of one carried buffer one memory, and ends in a crash where it is told
two. So each such group is on chip as a whole, or off it, as most of its accesses have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container

from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence


def carried_groups(program: XlaProgram) -> list[list[int]]:
    """Values that share a buffer which a loop carries on, changed."""
    flow = program.flow
    leader = list(range(len(flow.values)))

    def find(value: int) -> int:
        while leader[value] != value:
            leader[value] = leader[leader[value]]
            value = leader[value]
        return value

    for old, new in flow.ties:
        leader[find(new)] = find(old)
    groups: dict[int, list[int]] = defaultdict(list)
    for value in {value for tie in flow.ties for value in tie}:
        groups[find(value)].append(value)
    return [sorted(g) for g in groups.values() if any(flow.values[v].trip for v in g)]


def carried(program: XlaProgram, plan: Plan) -> tuple[frozenset[int], frozenset[int]]:
    """Tensors of carried groups: those on chip at half of the accesses or more, and the others."""
    here = Presence.of(plan)
    on: set[int] = set()
    off: set[int] = set()
    for group in carried_groups(program):
        tensors = {t for t in map(program.tensor_of.__getitem__, group) if t is not None}
        (on if 2 * _share(program, here, tensors) >= 1 else off).update(tensors)
    return frozenset(on), frozenset(off)


def _share(program: XlaProgram, here: Presence, tensors: Container[int]) -> float:
    """Of the accesses of `tensors` those that are on chip, 0 to 1."""
    asked = got = 0
    for step, operator in enumerate(program.problem.operators):
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor in tensors:
                asked += 1
                got += here.on_chip(tensor, step)
    return got / asked if asked else 0.0
