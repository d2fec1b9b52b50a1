"""Orders a little away from another one, in which less is alive: moves of single operators.

late    each operator that leaves more bytes than it finds right before the first that waits for it
early   each operator that frees more bytes than it makes right behind the last that it waits for
"""

from __future__ import annotations

from cosmalloc.problem import Problem

Order = tuple[int, ...]


def late(problem: Problem, order: Order) -> Order:
    """A topological order again, as the given one is."""
    place = {o: step for step, o in enumerate(order)}
    anchor: dict[int, int] = {}
    moved: set[int] = set()
    for o in reversed(order):
        after = [r for t in problem.operators[o].outputs for r in problem.readers[t]]
        anchor[o] = place[o]
        if after and growth(problem, place, o) > 0:
            moved.add(o)
            anchor[o] = min(anchor[r] for r in after)
    return tuple(sorted(order, key=lambda o: (anchor[o], o not in moved, place[o])))


def early(problem: Problem, order: Order) -> Order:
    """A topological order again, as the given one is."""
    place = {o: step for step, o in enumerate(order)}
    anchor: dict[int, int] = {}
    moved: set[int] = set()
    for o in order:
        before = list(problem.predecessors(o))
        anchor[o] = place[o]
        if before and growth(problem, place, o) < 0:
            moved.add(o)
            anchor[o] = max(anchor[p] for p in before)
    return tuple(sorted(order, key=lambda o: (anchor[o], o in moved, place[o])))


def growth(problem: Problem, place: dict[int, int], o: int) -> int:
    """Bytes that an operator makes for later, less those that it reads last."""
    node = problem.operators[o]
    made = sum(tracked_bytes(problem, t) for t in node.outputs if problem.readers[t])
    freed = sum(
        tracked_bytes(problem, t)
        for t in node.inputs
        if all(place[r] <= place[o] for r in problem.readers[t])
    )
    return made - freed


def tracked_bytes(problem: Problem, t: int) -> int:
    """0 for a tensor that is not planned."""
    return problem.tensors[t].bytes * problem.tensors[t].tracked
