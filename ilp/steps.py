"""The best order and replacement together, by best-first search over what has run and what is held.

A state at a border is (done, held, stored): the operators that have run, the live spanning tensors
on chip, and the live spills with a copy off-chip. To run an operator next, the held tensors that it
does not touch must make room: some are dropped. A drop of t pays at once all that it will cost,

    price(t) = bytes_t for the load to come + (bytes_t for the store, if a spill not yet stored)

so that the path to `done = everything` with the least sum is the least traffic of any plan without
regard to offsets: a lower bound for every plan, and, where the stays can be packed, the optimum.

Why few states do:
- A tensor is dropped only when room is needed, and only in minimal sets: holding more never harms.
- (D) State b loses to state a with the same `done` if
      paid_a + sum_{t held in a, not in b} price_a(t)
             + sum_{t held in both, stored in b only} bytes_t  <=  paid_b
  since a can do, after paying that, what b does. What a has dropped and b holds a has paid for.
- (F) An operator whose operands are on chip, which fits without a drop, runs next for good if its
  results together are no larger and no dearer to drop than any one operand that it frees: whatever
  a plan does with that operand until it runs the operator, it can do with the results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cosmalloc.ilp.facts import Facts, members

CHECK = 64  # states between two looks at the clock


@dataclass(frozen=True, slots=True)
class Path:
    """order: operators. drops: per step the spanning tensors dropped before it. paid: bytes."""

    order: tuple[int, ...]
    drops: tuple[int, ...]
    paid: int


class Late(Exception):  # noqa: N818  (the time is up: no error)
    """The time is up."""


class Node:
    """done, held, stored: sets as above. paid: bytes so far. came: the node before, None at first.

    operator, dropped: the step that led here.
    """

    __slots__ = ("came", "done", "dropped", "held", "lost", "operator", "paid", "stored")

    def __init__(
        self,
        done: int,
        held: int,
        stored: int,
        paid: int,
        came: Node | None,
        operator: int,
        dropped: int,
    ) -> None:
        self.done, self.held, self.stored, self.paid = done, held, stored, paid
        self.came, self.operator, self.dropped = came, operator, dropped
        self.lost = False

    def path(self) -> Path:
        """The steps that led here."""
        order: list[int] = []
        drops: list[int] = []
        node = self
        while node.came is not None:
            order.append(node.operator)
            drops.append(node.dropped)
            node = node.came
        return Path(tuple(order[::-1]), tuple(drops[::-1]), self.paid)


ROOT = Node(0, 0, 0, 0, None, -1, 0)


def successors(
    facts: Facts,
    node: Node,
    stop: float,
    only: int | None = None,
    rank: tuple[int, ...] | None = None,
) -> Iterator[Node]:
    """The nodes one operator further; the forced one alone where there is one (F).

    only: the operator to run next, where the order is given. rank: per operator its place in an
    order worth following; with it, only a few sets of drops are tried. Raises Late after `stop`.
    """
    choices: list[tuple[int, int]] = []  # operator, bytes to free
    for operator in ready(facts, node.done) if only is None else (only,):
        done = node.done | 1 << operator
        touched = facts.reads[operator] | facts.makes[operator]
        own = facts.sizes(touched) + facts.fixed[operator]
        if facts.lends[operator]:
            own -= facts.lent(operator, done)
        others = node.held & ~touched
        total = own + facts.sizes(others)
        if facts.fits(operator, touched | others, total):
            if only is None and forced(facts, node, operator, done):
                yield after(facts, node, operator, 0)
                return
            choices.append((operator, 0))
        elif own <= facts.room + facts.brim:
            choices.append((operator, total))
    for operator, total in choices:
        if not total:
            yield after(facts, node, operator, 0)
            continue
        touched = facts.reads[operator] | facts.makes[operator]
        others = node.held & ~touched
        if rank is None:
            found: Iterable[int] = enough(facts, operator, touched, others, total, stop)
        else:
            found = likely(facts, node, operator, others, total, rank)
        for dropped in found:
            yield after(facts, node, operator, dropped)


def ready(facts: Facts, done: int) -> list[int]:
    """The operators that can run next."""
    before = facts.before
    return [o for o in members(facts.everything & ~done) if not before[o] & ~done]


def forced(facts: Facts, node: Node, operator: int, done: int) -> bool:
    """(F), for an operator that fits."""
    reads, makes = facts.reads[operator], facts.makes[operator]
    if reads & ~node.held:
        return False
    dirty = facts.spills & ~node.stored
    results, once = facts.sizes(makes), facts.moved(makes)
    if not results:
        return True
    first = once + facts.moved(makes & facts.spills)
    freed = [t for t in members(reads) if not facts.readers[t] & ~done]
    return bool(freed) and all(
        results + bool(facts.brim) <= facts.size[t]
        and once <= facts.bytes[t]
        and first <= facts.bytes[t] * (1 + (dirty >> t & 1))
        for t in freed
    )


def enough(
    facts: Facts, operator: int, touched: int, others: int, total: int, stop: float
) -> Iterator[int]:
    """The minimal subsets of `others` whose drop makes the operator fit. Raises Late."""
    ranked = sorted(members(others), key=lambda t: -facts.size[t])
    after = [0] * (len(ranked) + 1)
    for k in range(len(ranked) - 1, -1, -1):
        after[k] = after[k + 1] + facts.size[ranked[k]]
    least = total - facts.room - facts.brim  # bytes that must go at least
    visited = 0

    def walk(k: int, gone: int, freed: int) -> Iterator[int]:
        nonlocal visited
        visited += 1
        if visited % CHECK == 0 and time.perf_counter() > stop:
            raise Late
        if freed >= least and facts.fits(operator, touched | others & ~gone, total - freed):
            if _is_minimal(facts, operator, touched, others, gone, total - freed):
                yield gone
            return
        if k < len(ranked) and freed + after[k] >= least:
            yield from walk(k + 1, gone | 1 << ranked[k], freed + facts.size[ranked[k]])
            yield from walk(k + 1, gone, freed)

    return walk(0, 0, 0)


def _is_minimal(
    facts: Facts, operator: int, touched: int, others: int, gone: int, total: int
) -> bool:
    return not any(
        facts.fits(operator, touched | others & ~gone | 1 << t, total + facts.size[t])
        for t in members(gone)
    )


def likely(
    facts: Facts, node: Node, operator: int, others: int, total: int, rank: tuple[int, ...]
) -> set[int]:
    """Up to four minimal subsets of `others`: least price per byte first, largest first, last used
    next first (after Belady 1966), and that divided by the price per byte."""
    touched = facts.reads[operator] | facts.makes[operator]
    dirty = facts.spills & ~node.stored
    tensors = list(members(others))
    now = rank[operator]
    next_use = {
        t: min((rank[o] for o in members(facts.readers[t] & ~node.done)), default=now) - now
        for t in tensors
    }
    price = {t: 1 + (dirty >> t & 1) for t in tensors}
    keys: tuple[Callable[[int], tuple[float, float]], ...] = (
        lambda t: (price[t], -next_use[t]),
        lambda t: (-facts.size[t], price[t]),
        lambda t: (-next_use[t], price[t]),
        lambda t: (-next_use[t] / price[t], -facts.size[t]),
    )
    found = set()
    for key in keys:
        ranked = sorted(tensors, key=key)
        gone, left, taken = 0, total, []
        for t in ranked:
            if facts.fits(operator, touched | others & ~gone, left):
                break
            gone |= 1 << t
            left -= facts.size[t]
            taken.append(t)
        if not facts.fits(operator, touched | others & ~gone, left):
            return set()
        for t in sorted(taken, key=lambda t: -price[t] * facts.bytes[t]):
            back = gone & ~(1 << t)
            if facts.fits(operator, touched | others & ~back, left + facts.size[t]):
                gone, left = back, left + facts.size[t]
        found.add(gone)
    return found


def after(facts: Facts, node: Node, operator: int, dropped: int) -> Node:
    """The node behind a step: `dropped` went first, then the operator ran."""
    done = node.done | 1 << operator
    store = dropped & facts.spills & ~node.stored
    touched = facts.reads[operator] | facts.makes[operator]
    held = node.held & ~dropped | touched
    stored = node.stored | store
    for t in members(facts.reads[operator]):
        if not facts.readers[t] & ~done:
            held &= ~(1 << t)
            stored &= ~(1 << t)
    paid = node.paid + facts.moved(dropped) + facts.moved(store)
    return Node(done, held, stored, paid, node, operator, dropped)


def beats(facts: Facts, a: Node, b: Node) -> bool:
    """(D), for two nodes of one `done`."""
    spare = b.paid - a.paid
    if spare < 0:
        return False
    extra = a.held & ~b.held
    dirty = extra & facts.spills & ~a.stored
    late = a.held & b.held & b.stored & ~a.stored
    if not (extra | late):
        return True
    return facts.moved(extra) + facts.moved(dirty) + facts.moved(late) <= spare
