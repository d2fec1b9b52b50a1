"""The order whose fullest step is least full, with every tensor on chip from first to last use.

Best-first over sets of operators: load(S -> S + o) is what is held at o after S, and

    peak(S + o) = min over o of max(peak(S), load(S -> S + o))        (Held and Karp 1962, Bellman)

starting from peak({}) = the largest working set of one operator, which every order has. A set is
settled when it is taken first, with its least peak. An operator that raises nothing above
the peak so far and leaves no more behind than it found runs next for good.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass

from cosmalloc.ilp.facts import Facts, members
from cosmalloc.ilp.steps import CHECK, ready
from cosmalloc.working_set import working_set_bytes


@dataclass(frozen=True, slots=True)
class Lowest:
    """order: None if the time was up. load: rounded bytes of its fullest step. bound: no order has
    a lower load."""

    order: tuple[int, ...] | None
    load: int
    bound: int


def lowest_order(facts: Facts, seconds: float) -> Lowest:
    """The order with the least load of its fullest step."""
    stop = time.perf_counter() + seconds
    came: dict[int, tuple[int, int]] = {}  # set -> (set before, operator)
    floor = max((working_set_bytes(facts.problem, o) for o in range(facts.operators)), default=0)
    best = {0: floor}
    heap = [(floor, 0, 0, 0)]  # peak, -depth, held bytes, done
    taken = 0
    while heap:
        peak, _, held, done = heapq.heappop(heap)
        if peak > best[done]:
            continue
        if done == facts.everything:
            return Lowest(_order(came, done), peak, peak)
        taken += 1
        if taken % CHECK == 0 and time.perf_counter() > stop:
            return Lowest(None, 0, peak)
        children = [(o, *run(facts, done, held, o)) for o in ready(facts, done)]
        free = [child for child in children if child[1] <= peak and child[2] <= held]
        for operator, load, left in free[:1] or children:
            after, high = done | 1 << operator, max(peak, load)
            if high < best.get(after, 2**62):
                best[after], came[after] = high, (done, operator)
                heapq.heappush(heap, (high, -after.bit_count(), left, after))
    raise AssertionError("a problem has an order")


def run(facts: Facts, done: int, held: int, operator: int) -> tuple[int, int]:
    """Bytes on chip while the operator runs after `done`, and bytes held behind it."""
    after = done | 1 << operator
    fresh = facts.makes[operator]
    for t in members(facts.reads[operator] & facts.given):
        if not facts.readers[t] & done:
            fresh |= 1 << t
    load = held + facts.sizes(fresh)
    dead = sum(
        facts.size[t] for t in members(facts.reads[operator]) if not facts.readers[t] & ~after
    )
    return load + facts.fixed[operator] - facts.lent(operator, after), load - dead


def _order(came: dict[int, tuple[int, int]], done: int) -> tuple[int, ...]:
    order: list[int] = []
    while done:
        done, operator = came[done]
        order.append(operator)
    return tuple(order[::-1])
