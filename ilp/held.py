"""Who is on chip at which use, under a fixed order: the rows that every program of stays has.

Uses u of tensors t(u) at steps s(u) as in `cosmalloc.greedy.uses`; link u joins uses u and u + 1.

    x[u] = 1  the tensor is on chip while the step of u runs
    k[u] = 1  it stays on chip from use u to use u + 1
    l[u] = 1  a load of it is due at border s(u)            (u produces nothing)
    v[u] = 1  it is stored                                  (u produces it)

    (1)  k[u] <= x[u];  k[u] <= x[u+1];  l[u] >= x[u] - k[u-1]
    (2)  v[f] >= x[f] - k[u], each link u of the tensor that f produces;  v[f] >= x[f], an output
    (3)  sum_{u at s} size[u] x[u] + sum_{links u across s} size[u] k[u] - shared[s] <= room
         shared[s] = sum over operands a that step s reads last and results r of one alias group of
         min(size) p[a,r], p a matching with p[a,r] <= x[a], x[r]
    (4)  x[r] <= sum_a x[a];  1 - x[r] <= sum_a (1 - x[a])      r updates in place one of operands a

Under `resident` all x are 1. Every legal plan keeps these rows; offsets come after. Where (3) has
too many terms for all steps, it is asked of the fullest step of every few.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.uses import Bools, Uses
from cosmalloc.ilp.sparse import INF, Floats, Sparse, Term
from cosmalloc.in_place import updates
from cosmalloc.lifetimes import alive_bytes

SCALE = 1000.0  # what the bytes of the scratchpad are counted in
MOST = 2_000_000  # terms of (3)
Terms = list[Term]


@dataclass(frozen=True)
class Held:
    """x: per use its column. kept, loads, stores: columns by use. used: per step the left side of
    (3), to be added to before `close`. asked: the steps of (3). size: float64[U], as it counts it.
    room: its right side. per_byte: what a byte counts.
    """

    uses: Uses
    rows: Sparse
    x: list[int]
    kept: dict[int, int]
    loads: dict[int, int]
    stores: dict[int, int]
    used: list[Terms]
    asked: Bools
    size: Floats
    room: float
    per_byte: float

    def close(self) -> None:
        """(3), with all that `used` has by now."""
        for step in np.flatnonzero(self.asked).tolist():
            self.rows.row(self.used[step], -INF, self.room)

    def chosen(self, values: Floats) -> tuple[Bools, Bools]:
        """bool[U]: the uses on chip, and the links kept, of a solution."""
        on = np.array([values[column] > 0.5 for column in self.x], np.bool_)
        kept = np.zeros(len(on), np.bool_)
        for u, column in self.kept.items():
            kept[u] = values[column] > 0.5
        return on, kept


def hold(rows: Sparse, uses: Uses, capacity: int) -> Held:
    """(1), (2), (4), and the terms of (3). capacity: bytes of scratchpad."""
    problem = uses.problem
    align, resident = problem.target.alignment, problem.target.operand_rule == "resident"
    room = -(-capacity // align) * align
    per_byte = SCALE / room if room else 0.0
    fits = (uses.bytes[uses.tensor] <= capacity).tolist()
    produces = np.flatnonzero(uses.produces).tolist()
    links = np.flatnonzero(~uses.last).tolist()
    held = Held(
        uses,
        rows,
        [rows.column(float(ok), whole=not resident) for ok in fits],
        {u: rows.column(float(fits[u]), whole=True) for u in links},
        {u: rows.column() for u in np.flatnonzero(~uses.produces).tolist()},
        {u: rows.column() for u in produces},
        [[] for _ in range(uses.steps)],
        asked_steps(uses),
        np.asarray(uses.size[uses.tensor] * per_byte, np.float64),
        room * per_byte,
        per_byte,
    )
    if resident:
        for x in held.x:
            rows.row([(x, 1.0)], 1.0)
    _copies(held)
    _space(held)
    _shared(held)
    _updates(held)
    return held


def asked_steps(uses: Uses, most: int = MOST) -> Bools:
    """bool[steps]: all steps, or the one with most bytes alive of every few."""
    every = -(-int(uses.gap.sum()) // most)
    if every <= 1:
        return np.ones(uses.steps, np.bool_)
    load = alive_bytes(uses.problem, uses.life)
    asked = np.zeros(uses.steps, np.bool_)
    for start in range(0, uses.steps, every):
        asked[start + int(np.argmax(load[start : start + every]))] = True
    return asked


def _copies(held: Held) -> None:
    """(1), (2)."""
    uses, rows, x = held.uses, held.rows, held.x
    for u, load in held.loads.items():
        before = [(held.kept[u - 1], 1.0)] if u - 1 in held.kept else []
        rows.row([(load, 1.0), (x[u], -1.0), *before])
    for u, k in held.kept.items():
        rows.row([(x[u], 1.0), (k, -1.0)])
        rows.row([(x[u + 1], 1.0), (k, -1.0)])
        first = int(uses.begin[uses.tensor[u]])
        if first in held.stores:
            rows.row([(held.stores[first], 1.0), (x[first], -1.0), (k, 1.0)])
    for u, store in held.stores.items():
        if uses.output[uses.tensor[u]]:
            rows.row([(store, 1.0), (x[u], -1.0)])


def _space(held: Held) -> None:
    uses, asked = held.uses, np.flatnonzero(held.asked)
    for u, step in enumerate(uses.step.tolist()):
        term = (held.x[u], float(held.size[u]))
        held.used[step].append(term)
        if u in held.kept:
            term = (held.kept[u], term[1])
            first, last = np.searchsorted(asked, (step + 1, int(uses.step[u + 1])))
            for between in asked[first:last].tolist():
                held.used[between].append(term)


def _shared(held: Held) -> None:
    uses, rows, tensors = held.uses, held.rows, held.uses.problem.tensors
    operands: dict[tuple[int, int], list[int]] = defaultdict(list)
    results: dict[tuple[int, int], list[int]] = defaultdict(list)
    for u, step in enumerate(uses.step.tolist()):
        group = tensors[int(uses.tensor[u])].alias_group
        if group is not None and (uses.produces[u] or uses.last[u]):
            (results if uses.produces[u] else operands)[step, group].append(u)
    for place in sorted(results.keys() & operands.keys()):
        pairs: dict[int, Terms] = defaultdict(list)
        for a in operands[place]:
            for r in results[place]:
                p = rows.column()
                pairs[a].append((p, -1.0))
                pairs[r].append((p, -1.0))
                held.used[place[0]].append((p, -float(min(held.size[a], held.size[r]))))
        for u, terms in pairs.items():
            rows.row([(held.x[u], 1.0), *terms])


def _updates(held: Held) -> None:
    """(4)."""
    uses, tensors = held.uses, held.uses.problem.tensors
    for update in updates(uses.problem, uses.life.order):
        r = (held.x[int(uses.begin[update.result])], 1.0)
        tracked = [t for t in update.operands if tensors[t].tracked]
        ends = [(held.x[int(uses.begin[t + 1]) - 1], -1.0) for t in tracked]
        held.rows.row([r, *ends], -INF, 0.0)
        if len(tracked) == len(update.operands):
            held.rows.row([r, *ends], 1.0 - len(ends))
