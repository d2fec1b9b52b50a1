"""Exact decomposition: a problem cut at its waists, solved part by part.

Operator o is a *waist* if every other operator runs before it in every order or after it in every
order, and all that is alive behind it is on chip then for sure, not stored yet where it would have
to be: its results, and what it reads that needs no store. There is one state behind a waist, so

    least traffic of the whole = sum over the parts between waists of their least traffic

and a bound of each part adds to a bound of the whole. Parts that are alike are solved once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cosmalloc.ilp.facts import Facts, facts_of, members
from cosmalloc.ilp.parts import Part, Steps, part_of, signature
from cosmalloc.ilp.reach import reach
from cosmalloc.ilp.search import beam, best_first
from cosmalloc.ilp.steps import Path
from cosmalloc.problem import Problem

SMALLEST = 6  # operators of a part
LITTLE = 0.03  # of the seconds, for a first look at each kind of part
WIDTH = 8  # of the beam where a part is not solved in time


@dataclass(frozen=True, slots=True)
class Divided:
    """path: of the whole; None where a part has none. bound: bytes. proven: `path` is the best of
    any order without regard to offsets. parts: how many."""

    path: Path | None
    bound: int
    proven: bool
    parts: int


@dataclass(frozen=True, slots=True)
class Solved:
    """path: of a part. bound: bytes."""

    path: Path | None
    bound: int

    @property
    def proven(self) -> bool:
        return self.path is not None and self.path.paid <= self.bound

    def better(self, other: Solved | None) -> Solved:
        """The better path and the better bound of both."""
        if other is None:
            return self
        paths = [each.path for each in (self, other) if each.path is not None]
        path = min(paths, key=lambda path: path.paid, default=None)
        return Solved(path, max(self.bound, other.bound))


def waists(facts: Facts) -> list[tuple[int, int, int]]:
    """Per waist, in the order they run in: operator, the set done behind it, the set alive."""
    known = reach(facts.problem)
    found, alive, behind = [], 0, 0
    left = [readers.bit_count() for readers in facts.readers]
    certain = np.flatnonzero(known.related() == facts.operators - 1).tolist()
    sets = sorted((known.earlier_set(o).bit_count(), o) for o in certain)
    for _, o in sets:
        done = known.earlier_set(o) | 1 << o
        alive = alive_behind(facts, done & ~behind, alive, left)
        behind = done
        if not alive & ~(facts.makes[o] | facts.reads[o] & ~facts.spills):
            found.append((o, done, alive))
    return found


def alive_behind(facts: Facts, ran: int, alive: int, left: list[int]) -> int:
    """The spanning tensors alive after `ran` has run too. left: readers still to run, per tensor;
    changed."""
    for o in members(ran):
        alive |= facts.makes[o] | facts.reads[o] & facts.given
        for t in members(facts.reads[o]):
            left[t] -= 1
    for t in members(alive):
        if not left[t]:
            alive ^= 1 << t
    return alive


def divided(facts: Facts, order: tuple[int, ...], seconds: float) -> Divided | None:
    """The parts solved, and put together again; None where there is but one. order: that runs."""
    stop = time.perf_counter() + seconds
    parts = cut(facts, order)
    if len(parts) < 2:
        return None
    signatures = [signature(part.problem) for part in parts]
    known = solve_all(dict(zip(signatures, parts, strict=True)), stop, seconds)
    bound, steps, proven = 0, list[Steps](), True
    for part, each in zip(parts, signatures, strict=True):
        found = known.get(each, Solved(None, 0))
        bound += found.bound
        if found.path is None:
            return Divided(None, bound, False, len(parts))
        proven &= found.path.paid <= found.bound
        steps.append(part.steps_of(facts_of(part.problem), found.path))
    return Divided(joined(facts, steps), bound, proven, len(parts))


def solve_all(
    parts: dict[tuple[object, ...], Part], stop: float, seconds: float
) -> dict[tuple[object, ...], Solved]:
    """Every kind of part: first each with a little time, then those left share what remains."""
    known: dict[tuple[object, ...], Solved] = {}
    for little in (True, False):
        open_ = [key for key in parts if key not in known or not known[key].proven]
        for count, key in enumerate(open_):
            left = stop - time.perf_counter()
            if left <= 0:
                break
            share = LITTLE * seconds if little else left / (len(open_) - count)
            found = solved(parts[key].problem, facts_of(parts[key].problem), min(left, share))
            known[key] = found.better(known.get(key))
    return known


def cut(facts: Facts, order: tuple[int, ...]) -> list[Part]:
    """The parts between waists, at least SMALLEST operators each but the last."""
    parts: list[Part] = []
    behind, entry = 0, 0
    place = {o: step for step, o in enumerate(order)}
    borders = [(done, alive) for _, done, alive in waists(facts)]
    if not borders or borders[-1][0] != facts.everything:
        borders.append((facts.everything, 0))
    for done, alive in borders:
        own = done & ~behind
        if own.bit_count() < SMALLEST and done != facts.everything:
            continue
        inside = sorted(members(own), key=lambda o: place[o])
        begin, end = ([facts.tensor[t] for t in members(mask)] for mask in (entry, alive))
        parts.append(part_of(facts.problem, inside, begin, end))
        behind, entry = done, alive
    return parts


def solved(problem: Problem, facts: Facts, seconds: float) -> Solved:
    """The best path of a part, or a good one and a bound."""
    stop = time.perf_counter() + seconds
    rank = tuple(range(len(problem.operators)))
    first = beam(facts, WIDTH, seconds / 4, rank)
    if first is not None and first.paid == 0:
        return Solved(first, 0)
    below = 2**62 if first is None else first.paid
    found = best_first(facts, max(0.0, stop - time.perf_counter()), below)
    if found.path is not None:
        return Solved(found.path, found.bound)
    return Solved(first, min(found.bound, below))


def joined(facts: Facts, parts: list[Steps]) -> Path:
    """One path of the whole. The price of each drop follows from all drops together."""
    number = {t: k for k, t in enumerate(facts.tensor)}
    order, drops, paid, stored = list[int](), list[int](), 0, 0
    for steps in parts:
        for operator, dropped in steps:
            gone = sum(1 << number[t] for t in dropped)
            fresh = gone & facts.spills & ~stored
            paid += facts.moved(gone) + facts.moved(fresh)
            stored |= fresh
            order.append(operator)
            drops.append(gone)
    return Path(tuple(order), tuple(drops), paid)
