"""The best path over the states of `steps`, and a good one.

Best first: the first state taken that has run everything is the best; where the time is up first,
the cheapest state still waiting is a lower bound for every plan. That ends at once where little has
to be moved. The native search (`states`) is for the rest; where the sets of operators that can have
run are too many for its bounds, best first goes on from the path that it found.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from dataclasses import dataclass, replace

from cosmalloc.ilp.best import left
from cosmalloc.ilp.facts import Facts
from cosmalloc.ilp.fold import folded
from cosmalloc.ilp.states import MOST, search_states
from cosmalloc.ilp.steps import CHECK, ROOT, Late, Node, Path, beats, successors

EASY, EASY_SHARE = 2.0, 0.5  # seconds, and of the time, for what is proven at once
RIVALS = 200  # states of one `done` that a new one is compared with
Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """path: None where none below the limit was found. bound: bytes; no path moves less, or none
    moves less than the limit.

    proven: the search came to its end: the path is the best, or there is none below the limit.
    states: how many were looked at.
    """

    path: Path | None
    bound: int
    proven: bool
    states: int


def best_first(facts: Facts, seconds: float, below: int, order: Order | None = None) -> Found:
    """The path with the least traffic under `below` bytes, over all orders or for the one given."""
    small = folded(facts) if order is None else None
    if small is None:
        return search(facts, seconds, below, order)
    found = search(small.facts, seconds, below)
    return replace(found, path=found.path and small.path(found.path))


def search(facts: Facts, seconds: float, below: int, order: Order | None = None) -> Found:
    """`best_first` with every operator by itself."""
    if max(facts.operators, len(facts.size)) > MOST:
        return cheapest_first(facts, seconds, below, order)
    stop = time.perf_counter() + seconds
    search = CheapestFirst(facts, below, order)
    easy = search.run(min(EASY, EASY_SHARE * seconds))
    if easy.proven or left(stop) <= 0:
        return easy
    first = search_states(facts, left(stop), below, order)
    bound = max(easy.bound, first.bound)
    if first.proven or first.sets:
        return Found(first.path, bound, first.proven, easy.states + first.states)
    if first.path is not None:
        search.below = first.path.paid
    found = search.run(left(stop))
    bound = max(bound, found.bound)
    proven = found.proven or bound >= search.below
    return Found(found.path or first.path, bound, proven, found.states + first.states)


def cheapest_first(facts: Facts, seconds: float, below: int, order: Order | None = None) -> Found:
    """`best_first` in Python, state by state: the cheapest so far goes on."""
    return CheapestFirst(facts, below, order).run(seconds)


class CheapestFirst:
    """A best-first search that can be taken up again where the time ended it.

    below: bytes; only paths under it count. It may be lowered between two runs.
    """

    def __init__(self, facts: Facts, below: int, order: Order | None = None) -> None:
        self.facts, self.below, self.order = facts, below, order
        self.rivals: dict[int, list[Node]] = defaultdict(list)
        self.heap: list[tuple[int, int, int, int, Node]] = [(0, 0, 0, 0, ROOT)]
        self.states = self.born = 0

    def run(self, seconds: float) -> Found:
        """Goes on for so long; `states` counts those of earlier runs too."""
        stop = time.perf_counter() + seconds
        while self.heap and self.heap[0][0] < self.below:
            cheapest = heapq.heappop(self.heap)
            paid, node = cheapest[0], cheapest[-1]
            if node.lost:
                continue
            if node.done == self.facts.everything:
                return Found(node.path(), paid, True, self.states)
            self.states += 1
            try:
                if self.states % CHECK == 0 and time.perf_counter() > stop:
                    raise Late
                self.open(node, stop)
            except Late:
                heapq.heappush(self.heap, cheapest)
                return Found(None, paid, False, self.states)
        return Found(None, self.below, True, self.states)

    def open(self, node: Node, stop: float) -> None:
        """Its children join the others. Raises Late after `stop`."""
        only = None if self.order is None else self.order[node.done.bit_count()]
        for child in successors(self.facts, node, stop, only):
            if child.paid < self.below and admit(self.facts, self.rivals[child.done], child):
                self.born += 1
                depth = child.done.bit_count()
                rank = (child.paid, -depth, self.facts.sizes(child.held), self.born)
                heapq.heappush(self.heap, (*rank, child))


def admit(facts: Facts, rivals: list[Node], child: Node) -> bool:
    """Whether no rival beats the child; those that it beats are lost."""
    for rival in rivals[:RIVALS]:
        if beats(facts, rival, child):
            return False
    for rival in rivals[:RIVALS]:
        if beats(facts, child, rival):
            rival.lost = True
    rivals[:] = [rival for rival in rivals if not rival.lost]
    rivals.append(child)
    return True


def beam(
    facts: Facts, width: int, seconds: float, rank: Order, order: Order | None = None
) -> Path | None:
    """A good path: of every depth the `width` best states go on. None if all got stuck or late.

    rank: per operator its place in an order worth following. order: as in `best_first`.
    """
    small = folded(facts) if order is None else None
    if small is not None:
        found = walk(small.facts, width, seconds, small.rank(rank))
        return found and small.path(found)
    return walk(facts, width, seconds, rank, order)


def walk(
    facts: Facts, width: int, seconds: float, rank: Order, order: Order | None = None
) -> Path | None:
    """`beam` with every operator by itself."""
    stop = time.perf_counter() + seconds
    front = [ROOT]
    for depth in range(facts.operators):
        rivals: dict[int, list[Node]] = defaultdict(list)
        for node in front:
            if time.perf_counter() > stop:
                return None
            only = None if order is None else order[depth]
            for child in successors(facts, node, stop, only, rank):
                admit(facts, rivals[child.done], child)
        found = [node for group in rivals.values() for node in group]
        found.sort(key=lambda node: (node.paid, facts.sizes(node.held)))
        front = found[:width]
        if not front:
            return None
    return front[0].path()
