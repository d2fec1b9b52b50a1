"""Orders worth trying where no search can look at all of them.

by_sink   what an operator without readers needs, then the operator, and so on: those first that
          depend on the shortest chains. The source order within what one of them needs. So an
          optimizer's update runs as soon as its gradient is there.
compact   step by step the ready operator that leaves the fewest bytes behind; of those that leave
          more than they find, the one that became ready last.
late      any order, and in it each operator that leaves more bytes than it finds right before the
          first that waits for it.
early     any order, and in it each operator that frees more bytes than it makes right behind the
          last that it waits for.
"""

from __future__ import annotations

from collections.abc import Iterator

from cosmalloc.ilp.reach import reach
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem

Order = tuple[int, ...]


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
    order: list[int] = []
    done = 0
    for sink in sinks:
        wanted = (known.earlier_set(sink) | 1 << sink) & ~done
        done |= wanted
        order += [o for o in source if wanted >> o & 1] if wanted.bit_count() > 1 else [sink]
    return tuple(order)


def late(problem: Problem, order: Order) -> Order:
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
    made = sum(_bytes(problem, t) for t in node.outputs if problem.readers[t])
    freed = sum(
        _bytes(problem, t)
        for t in node.inputs
        if all(place[r] <= place[o] for r in problem.readers[t])
    )
    return made - freed


def _bytes(problem: Problem, t: int) -> int:
    return problem.tensors[t].bytes * problem.tensors[t].tracked


def compact(problem: Problem) -> Order:
    board = _Ready(problem)
    while board.delta:
        board.run(min(board.delta, key=board.rank))
    return tuple(board.order)


class _Ready:
    """Mutable. delta: per ready operator the bytes that running it now adds to those alive."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.order: list[int] = []
        self.delta: dict[int, int] = {}
        self._left = [len(readers) for readers in problem.readers]
        self._here = [made is not None for made in problem.producer]
        self._bytes = [_bytes(problem, t) for t in range(len(problem.tensors))]
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

    def rank(self, o: int) -> tuple[bool, int, int, int, int]:
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
                    self.delta[reader] = self._change(reader)
        for after in self._next[o]:
            self._waits[after] -= 1
            if not self._waits[after]:
                self._admit(after)

    def _admit(self, o: int) -> None:
        self._since[o] = len(self.order)
        self.delta[o] = self._change(o)

    def _change(self, o: int) -> int:
        node = self.problem.operators[o]
        made = sum(self._bytes[t] for t in node.outputs if self.problem.readers[t])
        for t in node.inputs:
            if self._left[t] == 1:
                made -= self._bytes[t] * self._here[t]
            elif not self._here[t]:
                made += self._bytes[t]
        return made
