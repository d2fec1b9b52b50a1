"""A lower bound for every order at once, link by link: for problems of thousands of operators.

The uses of tensor t that stand in one sequence in every order, u_0 < u_1 < ... < u_m, have links
between them. Operator o, no user of t, runs behind u_a in every order, a as large as can be, and
before u_z, z as small as can be. If t is not on chip while o runs, one of the links a to z - 1 is
dropped, and each dropped link is a load of its own:

    (1)  min  sum_{t, k} bytes_t d[t, k]  +  sum_t bytes_t s[t]              0 <= d, s <= 1
    (2)  d[t, k] <= s[t]                       where dropping t asks for a store
    (3)  sum_t size_t sum_{a <= k < z} d[t, k]  >=  own_o + sum_t size_t - room      each o, t alive

own_o: rounded bytes of o's operands and results, everything in place that could be. Of the rows (3)
those that the solution breaks are added, one per stretch of the program, until none is or the time
is up. Any y >= 0 proves by weak duality, in whole numbers,

    (4)  no plan moves less than  b y - sum_j max(0, (A^T y)_j - c_j),       rows A x >= b, cost c
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.ilp.cover import Cover
from cosmalloc.ilp.facts import Facts, members
from cosmalloc.ilp.milp import installed
from cosmalloc.ilp.reach import Bits, Reach, reach
from cosmalloc.lifetimes import source_order

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
STRETCHES = 48  # a broken row is looked for in each
ROUNDS = 200
BLOCK = 512  # links unpacked at once
MANY = 64  # uses; of more, the sequence is picked greedily


@dataclass(frozen=True)
class Links:
    """tensor: int64[L], number in the facts. rows: uint8[L, ceil(n / 8)], the operators in whose
    row (3) the link stands. need: int64[n], right side of (3)."""

    tensor: Ints
    rows: Bits
    need: Ints


def covering_bound(
    facts: Facts,
    seconds: float,
    parts: Sequence[Sequence[int]] = (),
    without: Collection[int] = (),
) -> int:
    """Bytes; no plan in any order moves less.

    parts: disjoint sets of operators; loads between two uses of one part are not counted (see
    `spine`). without: tensors that are not counted at all. 0 where HiGHS is not installed.
    """
    if installed("highs") is None:
        return 0
    stop = time.perf_counter() + seconds
    links = links_of(facts, parts, without)
    if not len(links.tensor) or links.need.max(initial=0) <= 0:
        return 0
    size = np.array(facts.size, np.int64)[links.tensor]
    cover, columns = start(facts, links)
    place = np.argsort(source_order(facts.problem))
    added = np.zeros(facts.operators, np.bool_)
    x = np.zeros(len(links.tensor))
    best = 0
    for _ in range(ROUNDS):
        short = links.need - weigh(links.rows, x * size, facts.operators)
        short[added] = 0
        chosen = pick(short, place)
        if not chosen:
            break
        for o in chosen:
            here = np.flatnonzero(links.rows[:, o >> 3] >> (o & 7) & 1)
            cover.add(here, size[here], int(links.need[o]))
            added[o] = True
        left = stop - time.perf_counter()
        if left <= 0 or not cover.solve(left):
            break
        x = cover.x[:columns]
        best = max(best, cover.proven())
    return best


def start(facts: Facts, links: Links) -> tuple[Cover, int]:
    """(1) and (2), and how many of the columns are links. One link alone pays for its store."""
    of = links.tensor
    price = np.array(facts.bytes, np.int64)[of]
    count = np.bincount(of, minlength=len(facts.size))
    spills = np.array([facts.spills >> t & 1 for t in range(len(facts.size))], np.bool_)
    alone = spills[of] & (count[of] == 1)
    many = np.flatnonzero(spills & (count > 1))
    cost = np.concatenate([price * (1 + alone), np.array(facts.bytes, np.int64)[many]])
    cover = Cover(cost)
    column = {int(t): len(of) + k for k, t in enumerate(many.tolist())}
    for k in np.flatnonzero(spills[of] & (count[of] > 1)).tolist():
        cover.add(np.array([k, column[int(of[k])]]), np.array([-1, 1]), 0)  # (2)
    return cover, len(of)


def links_of(
    facts: Facts, parts: Sequence[Sequence[int]] = (), without: Collection[int] = ()
) -> Links:
    """The links of all spanning tensors, and (3)."""
    part = {o: k for k, operators in enumerate(parts) for o in operators}
    known, order = reach(facts.problem), source_order(facts.problem)
    place = {o: k for k, o in enumerate(order)}
    need = np.array([_own(facts, o) for o in range(facts.operators)], np.int64)
    need -= facts.room + facts.brim
    tensors: list[int] = []
    rows: list[Bits] = []
    for t, tensor in enumerate(facts.tensor):
        if tensor in without:
            continue
        uses = sorted(members(facts.readers[t]), key=lambda o: place[o])
        if facts.maker[t] >= 0:
            uses.insert(0, facts.maker[t])
        chain = sequence(known, uses)
        last = len(chain) - 1
        behind = np.unpackbits(known.later[chain], axis=1, bitorder="little").sum(0, dtype=np.int64)
        ahead = np.unpackbits(known.earlier[chain], axis=1, bitorder="little").sum(0, np.int64)
        alive = (behind > 0) & (ahead > 0)
        alive[uses] = False
        alive &= outside(known, uses, part)
        need += facts.size[t] * alive[: facts.operators]
        for k in range(last):
            row = alive & (behind - 1 <= k) & (k + 1 <= last + 1 - ahead)
            if row.any():
                tensors.append(t)
                rows.append(np.packbits(row, bitorder="little"))
    width = known.later.shape[1]
    packed = np.array(rows, np.uint8).reshape(len(rows), width)
    return Links(np.array(tensors, np.int64), packed, need)


def outside(known: Reach, uses: list[int], part: dict[int, int]) -> npt.NDArray[np.bool_]:
    """bool[n, rounded up to bytes]: whether all uses of each part run before the operator in every
    order, or all after."""
    groups: dict[int, list[int]] = {}
    for use in uses:
        if use in part:
            groups.setdefault(part[use], []).append(use)
    free = np.full(known.later.shape[1], 255, np.uint8)
    for group in groups.values():
        if len(group) > 1:
            after = np.bitwise_and.reduce(known.later[group])
            free &= after | np.bitwise_and.reduce(known.earlier[group])
    return np.unpackbits(free, bitorder="little").astype(np.bool_)


def sequence(known: Reach, uses: list[int]) -> list[int]:
    """A longest run of the uses, in an order that runs, each before the next in every order."""
    if len(uses) > MANY:
        found = uses[:1]
        for use in uses[1:]:
            if known.before(found[-1], use):
                found.append(use)
        return found
    longest: list[list[int]] = []
    for use in uses:
        runs = [run for run in longest if known.before(run[-1], use)]
        longest.append([*max(runs, key=len, default=[]), use])
    return max(longest, key=len)


def _own(facts: Facts, o: int) -> int:
    touched = facts.reads[o] | facts.makes[o]
    return facts.sizes(touched) + facts.fixed[o] - facts.lent(o, facts.everything)


def weigh(rows: Bits, weight: Floats, count: int) -> Floats:
    """float64[n]: per operator the weights of the links in its row."""
    total = np.zeros(count)
    some = np.flatnonzero(weight)
    for begin in range(0, len(some), BLOCK):
        here = some[begin : begin + BLOCK]
        bits = np.unpackbits(rows[here], axis=1, count=count, bitorder="little")
        total += weight[here] @ bits
    return total


def pick(short: Floats, place: Ints) -> list[int]:
    """The operator that is shortest in each stretch of the program, where one is short."""
    stretch = place * STRETCHES // max(1, len(place))
    chosen = []
    for each in range(STRETCHES):
        inside = np.flatnonzero(stretch == each)
        if len(inside):
            o = int(inside[np.argmax(short[inside])])
            if short[o] > 1e-6:
                chosen.append(o)
    return chosen
