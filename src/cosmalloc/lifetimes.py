"""When every tensor is used under an order, and how many bytes are alive at each step."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.problem import Problem

Steps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lifetimes:
    """The uses of every tensor under one order.

    step: per operator the step at which it runs.
    uses: per tensor the steps that need it, ascending: the producing step, if any, then the reading
    ones.
    produced: per tensor whether its first use produces it.
    """

    order: tuple[int, ...]
    step: tuple[int, ...]
    uses: tuple[tuple[int, ...], ...]
    produced: tuple[bool, ...]

    def span(self, tensor: int) -> tuple[int, int]:
        """Steps [first use, last use + 1); (0, 0) for a tensor that nobody uses."""
        uses = self.uses[tensor]
        return (uses[0], uses[-1] + 1) if uses else (0, 0)


def lifetimes(problem: Problem, order: Sequence[int]) -> Lifetimes:
    """The uses under `order`, a topological order of the problem's operators."""
    step = [0] * len(order)
    uses: list[list[int]] = [[] for _ in problem.tensors]
    for at, operator in enumerate(order):
        step[operator] = at
        for tensor in problem.operators[operator].inputs:
            uses[tensor].append(at)
        for tensor in problem.operators[operator].outputs:
            uses[tensor].append(at)
    produced = tuple(made is not None for made in problem.producer)
    return Lifetimes(tuple(order), tuple(step), tuple(map(tuple, uses)), produced)


def source_order(problem: Problem) -> tuple[int, ...]:
    """The source order if it is topological, else the one that always runs the first ready operator
    of it.
    """
    waiting = [0] * len(problem.operators)
    for operator in range(len(waiting)):
        waiting[operator] = sum(1 for _ in problem.predecessors(operator))
    ready = [operator for operator, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        operator = heapq.heappop(ready)
        order.append(operator)
        for tensor in problem.operators[operator].outputs:
            for reader in problem.readers[tensor]:
                waiting[reader] -= 1
                if waiting[reader] == 0:
                    heapq.heappush(ready, reader)
    return tuple(order)


def load_curve(start: Steps, stop: Steps, size: Steps, steps: int) -> Steps:
    """int64[steps]: bytes alive at each step, where item k holds size[k] bytes in steps [start[k],
    stop[k]).

    start, stop, size: int64[items], 0 <= start <= stop <= steps.
    """
    change = np.zeros(steps + 1, np.int64)
    np.add.at(change, start, size)
    np.subtract.at(change, stop, size)
    return np.cumsum(change)[:steps]


def alive_bytes(problem: Problem, life: Lifetimes) -> Steps:
    """int64[steps]: bytes of tracked tensors alive at each step, each from its first to its last
    use.
    """
    used = [t for t, tensor in enumerate(problem.tensors) if tensor.tracked and life.uses[t]]
    start = np.array([life.span(t)[0] for t in used], np.int64)
    stop = np.array([life.span(t)[1] for t in used], np.int64)
    size = np.array([problem.tensors[t].bytes for t in used], np.int64)
    return load_curve(start, stop, size, len(life.order))
