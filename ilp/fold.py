"""Operators folded into a neighbour: fewer to order, and the same least traffic.

Let t be made by x and read by y alone, both without updates in place. Some plan of least traffic
runs the two right after each other, with nothing dropped or loaded between, if one of these holds.
(need: the bytes that an operator asks for; dead: what x alone reads.)

    (A) y follows x     y reads t and else only what x touches, waits for nothing more than x does,
                        its results together are no larger than t, and
                        sizes(reads x - dead + makes x + makes y) + what y needs beside <= need x:
                        y fits as soon as x is done, and holding its results is no worse than t.
    (B) x goes before y x makes t alone; what it reads and y does not is read by x alone and is
                        together no larger than t, and sizes(reads x + reads y) + what x needs
                        beside <= need y: x still fits when y's operands are on chip, and
                        holding x's operands until then is no worse than t.

Pairs are folded until none is left; the element-wise chains of a polynomial become one operator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cosmalloc.ilp.facts import Facts, Lending, mask_of, members
from cosmalloc.ilp.steps import Path


@dataclass(frozen=True)
class Folded:
    """facts: of the operators left. runs: per operator left those of the whole, as they run.
    anchor: the one among them that did not move. kept: per tensor left its number in the whole."""

    facts: Facts
    runs: tuple[tuple[int, ...], ...]
    anchor: tuple[int, ...]
    kept: tuple[int, ...]

    def path(self, path: Path) -> Path:
        """A path in the numbers of the whole."""
        order, drops = list[int](), list[int]()
        for operator, dropped in zip(path.order, path.drops, strict=True):
            run = self.runs[operator]
            order += run
            drops += [mask_of(self.kept[t] for t in members(dropped)), *[0] * (len(run) - 1)]
        return Path(tuple(order), tuple(drops), path.paid)

    def rank(self, rank: tuple[int, ...]) -> tuple[int, ...]:
        """Places of the whole's operators, for those left."""
        return tuple(rank[operator] for operator in self.anchor)


def folded(facts: Facts) -> Folded | None:
    """None where nothing can be folded, or roundings (`brim`) would have to be kept apart."""
    if facts.brim:
        return None
    draft = _Draft(facts)
    return draft.result() if draft.fold() else None


class _Draft:
    """The operators as they are being folded; each stands at the number of its anchor."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.runs: list[tuple[int, ...]] = [(o,) for o in range(facts.operators)]
        self.reads, self.makes = list(facts.reads), list(facts.makes)
        self.before = list(facts.before)
        self.after = [0] * facts.operators
        for o, mask in enumerate(facts.before):
            for p in members(mask):
                self.after[p] |= 1 << o
        self.readers, self.maker = list(facts.readers), list(facts.maker)
        self.beside = list(facts.fixed)
        self.left = facts.everything
        self.inside = 0  # tensors that are no longer seen

    def fold(self) -> bool:
        """Whether any pair was folded."""
        waiting = [t for t in members(self.facts.spills) if self.maker[t] >= 0]
        while True:
            again = [t for t in waiting if not self.inside >> t & 1 and not self._join(t)]
            if len(again) == len(waiting):
                return bool(self.inside)
            waiting = again

    def need(self, o: int) -> int:
        """Bytes on chip while o runs."""
        return self.facts.sizes(self.reads[o] | self.makes[o]) + self.beside[o]

    def _join(self, t: int) -> bool:
        x, readers = self.maker[t], self.readers[t]
        if readers.bit_count() != 1:
            return False
        y = readers.bit_length() - 1
        if self.facts.lends[x] or self.facts.lends[y]:
            return False
        if self._follows(x, y, t):
            self._merge(x, y, into=x, need=self.need(x))
            return True
        if self._precedes(x, y, t):
            self._merge(x, y, into=y, need=self.need(y))
            return True
        return False

    def _follows(self, x: int, y: int, t: int) -> bool:
        """(A)"""
        sizes, touched = self.facts.sizes, self.reads[x] | self.makes[x]
        if self.reads[y] & ~touched or self.before[y] & ~(self.before[x] | 1 << x):
            return False
        if not self._within(self.makes[y], t):
            return False
        dead = mask_of(u for u in members(self.reads[x]) if self.readers[u] == 1 << x)
        return sizes(touched & ~dead | self.makes[y]) + self.beside[y] <= self.need(x)

    def _precedes(self, x: int, y: int, t: int) -> bool:
        """(B)"""
        own = self.reads[x] & ~self.reads[y]
        if self.makes[x] != 1 << t or self.after[x] != 1 << y:
            return False
        if any(self.readers[u] != 1 << x for u in members(own)) or not self._within(own, t):
            return False
        return self.facts.sizes(self.reads[y] | own) + self.beside[x] <= self.need(y)

    def _within(self, mask: int, t: int) -> bool:
        """Whether these tensors together are no larger than t, rounded and as they are."""
        facts = self.facts
        return facts.sizes(mask) <= facts.size[t] and facts.moved(mask) <= facts.bytes[t]

    def _merge(self, x: int, y: int, into: int, need: int) -> None:
        gone, both = (y if into == x else x), 1 << x | 1 << y
        ends = self.makes[x]
        hidden = mask_of(t for t in members(ends) if not self.readers[t] & ~(1 << y))
        self.inside |= hidden
        self.runs[into] = self.runs[x] + self.runs[y]
        self.reads[into] = (self.reads[x] | self.reads[y]) & ~ends
        self.makes[into] = ends & ~hidden | self.makes[y]
        self.beside[into] = need - self.facts.sizes(self.reads[into] | self.makes[into])
        for t in members(self.reads[into] | self.makes[into]):
            if self.readers[t] & both:
                self.readers[t] = self.readers[t] & ~both | 1 << into
        for t in members(self.makes[into]):
            self.maker[t] = into
            self.readers[t] &= ~(1 << into)
        self._rewire(x, y, into, gone)

    def _rewire(self, x: int, y: int, into: int, gone: int) -> None:
        both = 1 << x | 1 << y
        self.before[into] = (self.before[x] | self.before[y]) & ~both
        self.after[into] = (self.after[x] | self.after[y]) & ~both
        for mine, theirs in ((self.before, self.after), (self.after, self.before)):
            for o in members(mine[into]):
                if theirs[o] & both:
                    theirs[o] = theirs[o] & ~both | 1 << into
        self.left &= ~(1 << gone)

    def result(self) -> Folded:
        facts, anchor = self.facts, tuple(members(self.left))
        operator = {o: k for k, o in enumerate(anchor)}
        seen = 0
        for o in anchor:
            seen |= self.reads[o] | self.makes[o]
        kept = tuple(members(seen))
        number = {t: k for k, t in enumerate(kept)}

        def tensors(mask: int) -> int:
            return mask_of(number[t] for t in members(mask & seen))

        def operators(mask: int) -> int:
            return mask_of(operator[o] for o in members(mask))

        small = replace(
            facts,
            tensor=tuple(facts.tensor[t] for t in kept),
            size=tuple(facts.size[t] for t in kept),
            bytes=tuple(facts.bytes[t] for t in kept),
            readers=tuple(operators(self.readers[t]) for t in kept),
            maker=tuple(operator[self.maker[t]] if self.maker[t] >= 0 else -1 for t in kept),
            spills=tensors(facts.spills),
            given=tensors(facts.given),
            before=tuple(operators(self.before[o]) for o in anchor),
            reads=tuple(tensors(self.reads[o]) for o in anchor),
            makes=tuple(tensors(self.makes[o]) for o in anchor),
            fixed=tuple(self.beside[o] for o in anchor),
            lends=tuple(_renumbered(facts.lends[o], number) for o in anchor),
            brim_tensors=0,
            brim_operators=0,
        )
        return Folded(small, tuple(self.runs[o] for o in anchor), anchor, kept)


def _renumbered(lent: tuple[Lending, ...], number: dict[int, int]) -> tuple[Lending, ...]:
    return tuple(
        (tuple((number.get(t, -1), size) for t, size in operands), results)
        for operands, results in lent
    )
