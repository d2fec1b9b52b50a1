"""The best path over the states of `steps`, and a good one.

The native search (`states`) first. Where the sets of operators that can have run are too many for
its bounds, best first: the first state taken that has run everything is the best; where the time is
up first, the cheapest state still waiting is a lower bound for every plan.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from dataclasses import dataclass

from cosmalloc.ilp.facts import Facts
from cosmalloc.ilp.states import MOST, search_states
from cosmalloc.ilp.steps import CHECK, ROOT, Late, Node, Path, beats, successors

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
    if max(facts.operators, len(facts.size)) > MOST:
        return cheapest_first(facts, seconds, below, order)
    stop = time.perf_counter() + seconds
    first = search_states(facts, seconds, below, order)
    if first.proven or first.sets or seconds <= 0:
        return Found(first.path, first.bound, first.proven, first.states)
    limit = below if first.path is None else first.path.paid
    found = cheapest_first(facts, max(0.0, stop - time.perf_counter()), limit, order)
    bound, states = max(first.bound, found.bound), first.states + found.states
    return Found(found.path or first.path, bound, found.proven, states)


def cheapest_first(facts: Facts, seconds: float, below: int, order: Order | None = None) -> Found:
    """`best_first` in Python, state by state: the cheapest so far goes on."""
    stop = time.perf_counter() + seconds
    rivals: dict[int, list[Node]] = defaultdict(list)
    heap: list[tuple[int, int, int, int, Node]] = [(0, 0, 0, 0, ROOT)]
    states = born = 0
    while heap:
        paid, _, _, _, node = heapq.heappop(heap)
        if node.lost:
            continue
        if node.done == facts.everything:
            return Found(node.path(), paid, True, states)
        states += 1
        if states % CHECK == 0 and time.perf_counter() > stop:
            return Found(None, paid, False, states)
        only = None if order is None else order[node.done.bit_count()]
        try:
            for child in successors(facts, node, stop, only):
                if child.paid < below and admit(facts, rivals[child.done], child):
                    born += 1
                    depth = child.done.bit_count()
                    rank = (child.paid, -depth, facts.sizes(child.held), born)
                    heapq.heappush(heap, (*rank, child))
        except Late:
            return Found(None, paid, False, states)
    return Found(None, below, True, states)


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
