"""All orders of a problem, where they are few."""

from __future__ import annotations

from collections.abc import Iterator

from cosmalloc.problem import Problem

FEW = 48
LARGEST = 1000  # operators; to find one order takes the square of it
Order = tuple[int, ...]


def few_orders(problem: Problem, most: int = FEW) -> list[Order] | None:
    """Every topological order; None if there are more than `most`, or too many operators."""
    found: list[Order] = []
    if len(problem.operators) > LARGEST:
        return None
    for order in _orders(problem):
        if len(found) == most:
            return None
        found.append(order)
    return found


def _orders(problem: Problem) -> Iterator[Order]:
    waiting = [len(set(problem.predecessors(o))) for o in range(len(problem.operators))]
    behind: list[set[int]] = [set() for _ in waiting]
    for o in range(len(waiting)):
        for p in problem.predecessors(o):
            behind[p].add(o)
    run: list[int] = []
    choices = [[o for o, count in enumerate(waiting) if count == 0]]
    while choices:
        if len(run) == len(waiting):
            yield tuple(run)
        if len(run) < len(waiting) and choices[-1]:
            o = choices[-1].pop()
            run.append(o)
            waiting[o] = -1
            for after in behind[o]:
                waiting[after] -= 1
            choices.append([o for o, count in enumerate(waiting) if count == 0])
            continue
        choices.pop()
        if run:
            back = run.pop()
            waiting[back] = 0
            for after in behind[back]:
                waiting[after] += 1
