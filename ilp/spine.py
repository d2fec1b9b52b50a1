"""A lower bound for every order at once: local parts along a spine, and long links between them.

The *spine* is a chain of operators that run in one sequence in every order. Part i holds the
operators that run behind spine operator a_i and not behind a_{i+1}, in every order; so all of one
part run before all of the next, and operators beside the spine are in none. A plan of the whole,
reduced to the steps of a part, is a plan of the part by itself where every tensor from outside is
an input and nothing has to stay behind; it loads again only between two uses of the part. Hence

    (1)  bytes of any plan  >=  sum_i least traffic of part i  +  covering bound of the long links

if a long link counts as dropped only where that can't be a load that a part pays: operator o is in
its row (see `covering`) only if each part that uses the tensor twice or more runs all of those uses
before o in every order, or all of them after. A store is paid by a part only for a tensor without
uses elsewhere, which has no long links. What `islands` beside the spine pay for tensors of their
own comes on top; those have no long links either then. The covering bound is that of the problem
with operators that are in no paying part contracted (see `contract`), which is no higher.
"""

from __future__ import annotations

import time
from itertools import compress

import numpy as np

from cosmalloc.ilp.contract import contracted
from cosmalloc.ilp.covering import covering_bound
from cosmalloc.ilp.facts import Facts, facts_of
from cosmalloc.ilp.islands import island_problem, islands, own_tensors, users_of
from cosmalloc.ilp.parts import part_of, signature
from cosmalloc.ilp.reach import Reach, reach
from cosmalloc.ilp.search import best_first
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem

LEAST, MOST = 12, 64  # operators of a part
LEAST_ISLAND = 3
Order = tuple[int, ...]


def spine_bound(facts: Facts, seconds: float) -> int:
    """Bytes; no plan in any order moves less."""
    stop = time.perf_counter() + seconds
    problem, order = facts.problem, source_order(facts.problem)
    known = reach(problem)
    along = parts_along(known, spine(known, order), order)
    beside = islands(facts, {o for part in along for o in part}, LEAST_ISLAND, MOST)
    problems = [part_problem(facts, part) for part in along]
    problems += [island_problem(problem, part) for part in beside]
    bounds = least_of_each(problems, seconds / 2)
    pays = [bound > 0 for bound in bounds]
    counted = list(compress(along, pays))
    alone = list(compress(beside, pays[len(along) :]))
    own = {t for part in alone for t in own_tensors(problem, part)}
    relaxed = contracted(problem, known, {o for part in (*counted, *alone) for o in part})
    left = max(0.0, stop - time.perf_counter())
    return sum(bounds) + covering_bound(facts_of(relaxed), left, counted, own)


def spine(known: Reach, order: Order) -> Order:
    """A chain of operators, those related to most others first; in an order that runs."""
    count = len(order)
    related = known.related()
    place = np.argsort(order)
    ranked = sorted(range(count), key=lambda o: (-related[o], place[o]))
    open_ = np.full(known.earlier.shape[1], 255, np.uint8)
    chosen = []
    for o in ranked:
        if open_[o >> 3] >> (o & 7) & 1:
            chosen.append(o)
            open_ &= known.earlier[o] | known.later[o]
    return tuple(sorted(chosen, key=lambda o: place[o]))


def parts_along(known: Reach, chain: Order, order: Order) -> list[Order]:
    """Operators of each part, in an order that runs; parts of LEAST operators and more."""
    parts: list[Order] = []
    behind = (1 << len(order)) - 1  # what runs behind the last part in every order
    at = 0
    while at < len(chain):
        sizes = []
        for k in range(at, len(chain)):
            inside = (known.earlier_set(chain[k]) | 1 << chain[k]) & behind
            sizes.append((inside.bit_count(), k, inside))
            if inside.bit_count() > MOST:
                break
        fitting = [each for each in sizes if each[0] <= MOST] or sizes[:1]
        size, k, inside = fitting[-1]
        if LEAST <= size <= MOST:
            parts.append(tuple(o for o in order if inside >> o & 1))
        behind = known.later_set(chain[k])
        at = k + 1
    return parts


def part_problem(facts: Facts, operators: Order) -> Problem:
    """A part of the spine by itself."""
    inside = set(operators)
    nodes = [facts.problem.operators[o] for o in operators]
    used = {t for node in nodes for t in (*node.inputs, *node.outputs)}
    shared = {t for t in used if not users_of(facts.problem, t) <= inside}
    return part_of(facts.problem, operators, stored=shared, loose=True).problem


def least_of_each(problems: list[Problem], seconds: float) -> list[int]:
    """What each moves at least; problems that are alike are searched once."""
    stop = time.perf_counter() + seconds
    signatures = [signature(problem) for problem in problems]
    known: dict[tuple[object, ...], int] = {}
    count = len(set(signatures))
    for problem, each in zip(problems, signatures, strict=True):
        if each not in known:
            share = max(0.0, stop - time.perf_counter()) / (count - len(known))
            known[each] = best_first(facts_of(problem), share, 2**62).bound
    return [known[each] for each in signatures]
