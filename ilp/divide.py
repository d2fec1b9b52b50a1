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


def waists(facts: Facts) -> list[tuple[int, int, int]]:
    """Per waist, in the order they run in: operator, the set done behind it, the set alive."""
    known = reach(facts.problem)
    found = []
    for o in np.flatnonzero(known.related() == facts.operators - 1).tolist():
        done = known.earlier_set(o) | 1 << o
        alive = alive_behind(facts, done)
        sure = facts.makes[o] | facts.reads[o] & ~facts.spills
        if not alive & ~sure:
            found.append((o, done, alive))
    return sorted(found, key=lambda waist: waist[1].bit_count())


def alive_behind(facts: Facts, done: int) -> int:
    """The spanning tensors that were on chip before and are read later."""
    alive = 0
    for t, readers in enumerate(facts.readers):
        begun = readers & done if facts.given >> t & 1 else done >> facts.maker[t] & 1
        if begun and readers & ~done:
            alive |= 1 << t
    return alive


def divided(facts: Facts, order: tuple[int, ...], seconds: float) -> Divided | None:
    """The parts solved, and put together again; None where there is but one. order: that runs."""
    stop = time.perf_counter() + seconds
    parts = cut(facts, order)
    if len(parts) < 2:
        return None
    known: dict[tuple[object, ...], Solved] = {}
    groups: dict[tuple[object, ...], int] = {}
    signatures = [signature(part.problem) for part in parts]
    for each in signatures:
        groups.setdefault(each, len(groups))
    bound, steps, proven = 0, list[Steps](), True
    for part, each in zip(parts, signatures, strict=True):
        own = facts_of(part.problem)
        if each not in known:
            share = (stop - time.perf_counter()) / (len(groups) - len(known))
            known[each] = solved(part.problem, own, share)
        found = known[each]
        bound += found.bound
        if found.path is None:
            return Divided(None, bound, False, len(parts))
        proven &= found.path.paid <= found.bound
        steps.append(part.steps_of(own, found.path))
    return Divided(joined(facts, steps), bound, proven, len(parts))


def cut(facts: Facts, order: tuple[int, ...]) -> list[Part]:
    """The parts between waists, at least SMALLEST operators each but the last."""
    parts: list[Part] = []
    behind, entry = 0, 0
    borders = [(done, alive) for _, done, alive in waists(facts)]
    if not borders or borders[-1][0] != facts.everything:
        borders.append((facts.everything, 0))
    for done, alive in borders:
        own = done & ~behind
        if own.bit_count() < SMALLEST and done != facts.everything:
            continue
        inside = [o for o in order if own >> o & 1]
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
