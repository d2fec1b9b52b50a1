"""Orders worth trying where no search can look at all of them.

by_sink   what an operator without readers needs, then the operator, and so on: those first that
          depend on the shortest chains. The source order within what one of them needs. So an
          optimizer's update runs as soon as its gradient is there.
compact   step by step the ready operator that leaves the fewest bytes behind; of those that leave
          more than they find, the one that became ready last.

Each of these, and the source order, is changed a little further (`greedy/moves.py`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from cosmalloc.greedy.moves import early, late, tracked_bytes
from cosmalloc.ilp.facts import members
from cosmalloc.ilp.reach import reach
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem

Order = tuple[int, ...]
Rank = tuple[bool, int, int, int, int]


def orders(problem: Problem) -> Iterator[Order]:
    """Every one once, the source order not among them; those that do best as a rule first."""
    seen = {source_order(problem)}
    for make in (by_sink, compact, source_order):
        order = make(problem)
        then = late(problem, order)
        for each in (early(problem, then), then, order):
            if each not in seen:
                seen.add(each)
                yield each


def by_sink(problem: Problem) -> Order:
    source = source_order(problem)
    depth = [0] * len(source)
    followed: set[int] = set()
    for o in source:
        before = set(problem.predecessors(o))
        followed |= before
        depth[o] = 1 + max((depth[p] for p in before), default=0)
    known = reach(problem)
    sinks = sorted((o for o in source if o not in followed), key=lambda o: depth[o])
    place = {o: step for step, o in enumerate(source)}
    order: list[int] = []
    done = 0
    for sink in sinks:
        wanted = (known.earlier_set(sink) | 1 << sink) & ~done
        done |= wanted
        order += sorted(members(wanted), key=lambda o: place[o])
    return tuple(order)


def compact(problem: Problem) -> Order:
    board = _Ready(problem)
    while board.heap:
        rank = heapq.heappop(board.heap)
        o = rank[-1]
        if o in board.delta and rank == board.rank(o):
            board.run(o)
    return tuple(board.order)


class _Ready:
    """Mutable. delta: per ready operator the bytes that running it now adds to those alive.

    heap: ranks of ready operators, outdated ones among them.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.order: list[int] = []
        self.delta: dict[int, int] = {}
        self.heap: list[Rank] = []
        self._left = [len(readers) for readers in problem.readers]
        self._here = [made is not None for made in problem.producer]
        self._bytes = [tracked_bytes(problem, t) for t in range(len(problem.tensors))]
        self._since: dict[int, int] = {}
        self._next: list[list[int]] = [[] for _ in problem.operators]
        self._waits = [0] * len(problem.operators)
        for o in range(len(problem.operators)):
            before = set(problem.predecessors(o))
            self._waits[o] = len(before)
            for p in sorted(before):
                self._next[p].append(o)
        for o, waits in enumerate(self._waits):
            if not waits:
                self._admit(o)

    def rank(self, o: int) -> Rank:
        """The least runs next."""
        delta = self.delta[o]
        return delta > 0, min(delta, 0), -self._since[o], delta, o

    def run(self, o: int) -> None:
        del self.delta[o]
        self.order.append(o)
        node = self.problem.operators[o]
        for t in node.inputs:
            self._left[t] -= 1
            self._here[t] = True
        for t in node.inputs:
            for reader in self.problem.readers[t]:
                if reader in self.delta:
                    self._note(reader)
        for after in self._next[o]:
            self._waits[after] -= 1
            if not self._waits[after]:
                self._admit(after)

    def _admit(self, o: int) -> None:
        self._since[o] = len(self.order)
        self._note(o)

    def _note(self, o: int) -> None:
        self.delta[o] = self._change(o)
        heapq.heappush(self.heap, self.rank(o))

    def _change(self, o: int) -> int:
        node = self.problem.operators[o]
        made = sum(self._bytes[t] for t in node.outputs if self.problem.readers[t])
        for t in node.inputs:
            if self._left[t] == 1:
                made -= self._bytes[t] * self._here[t]
            elif not self._here[t]:
                made += self._bytes[t]
        return made
