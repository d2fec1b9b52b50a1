"""Latency under a fixed order, as a mixed-integer program that no plan of that order beats.

Uses u of tensors t(u) at steps s(u) as in `cosmalloc.greedy.uses`; link u joins uses u and u + 1.

    x[u] = 1  the tensor is on chip while the step of u runs
    k[u] = 1  it stays on chip from use u to use u + 1
    l[u] = 1  a load of it is due at border s(u)            (u produces nothing)
    v[t] = 1  it is stored                                  (t is produced)
    w[t] = 1  ... though it does not stay on chip until its next use

Seconds, in time order W[0], T[0], W[1], T[1], ..., W[n]: T[s] of step s, W[s] of waiting before
it. In each of them the channel carries in[.] seconds of loads, out[.] of stores that stay, gone[.]
of stores that leave. I[s]: loaded by the end of step s for uses after it. E[s]: what could be
loaded by then and is not. J[s], K[s]: stores that stay, and that leave, of results up to step s,
not yet carried.

    (1)  min sum_s T[s] + sum_s W[s]
    (2)  T[s] >= compute[s]
         T[s] >= off[s] + sum_{u at s} near[u] x[u]
         off[s] = stream[s] + sum_{u at s} far[u] (1 - x[u])
    (3)  in + out + gone <= T[s] - off[s], in step s;  in + out + gone <= W[s], waiting
    (4)  k[u] <= x[u];  k[u] <= x[u+1];  l[u] >= x[u] - k[u-1]
    (5)  v[t] >= x[first] - k[u], each link u of t;  v[t] >= x[first], if t is an output
         w[t] >= v[t] - k[first]
    (6)  I[s] = I[s-1] + in - sum_{u at s} load[u] l[u];  I[s] >= in of step s itself
         E[s] = E[s-1] - in + sum_u load[u] l[u] over the uses u of what was made at s - 1, and at
         s = 0 of inputs and weights
    (7)  J[s] = J[s-1] - out + store[t] (v[t] - w[t]), K[s] = K[s-1] - gone + store[t] w[t], for the
         results t of step s;  they carry nothing of step s before it is over, and all by W[n]
    (8)  sum_{u at s} size[u] x[u] + sum_{links u across s} size[u] k[u] - shared[s]
           + loaded bytes I[s] + bytes of K[s-1] not carried in step s <= room
    (9)  x[r] <= sum_a x[a];  1 - x[r] <= sum_a (1 - x[a])      r updates in place one of operands a

shared[s] = sum over operands a that step s reads last and results r of one alias group of min(size)
p[a,r], p a matching with p[a,r] <= x[a], x[r]. Under `resident` all x are 1.

Every legal plan gives a solution that costs its latency: T, W as `simulate` has them (without
copy engines all copies are carried while waiting), a load in progress or complete before its use
has its residency's bytes from its first second on, which are at least what (8) counts of it; so has
a store until it is over. What is left out: offsets, the order of the queues, and the bytes that are
reserved for the part of a copy that is still to come.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.uses import Uses, uses_of
from cosmalloc.ilp.sparse import Sparse, Term
from cosmalloc.in_place import updates
from cosmalloc.lifetimes import lifetimes
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds

SCALE = 1000.0  # what the seconds, and the bytes, of the whole problem are counted in
INFINITY = float("inf")

Terms = list[Term]


@dataclass
class Lanes:
    """Columns of seconds that the channel carries: waiting before each step, and during it.

    wait: one more than steps. Both per queue.
    """

    wait: list[int]
    step: list[int]


@dataclass(frozen=True)
class Program:
    """unit: seconds that count as one. x: per use. kept: per link. loads: per use.

    inward: the lanes of loads. T, W: columns. ahead: I.
    """

    uses: Uses
    roofline: Roofline
    rows: Sparse
    unit: float
    x: list[int]
    kept: dict[int, int]
    loads: dict[int, int]
    T: list[int]
    W: list[int]
    inward: Lanes
    ahead: list[int]


def latency_program(
    problem: Problem,
    order: tuple[int, ...],
    room: int | None = None,
    cost: Cost = compute_seconds,
) -> Program:
    """(1) to (9). room: bytes, those of the scratchpad if None.

    InputError where an operator has no seconds.
    """
    uses = uses_of(problem, lifetimes(problem, order))
    return _Builder(uses, Roofline.of(uses, cost), room).program()


def longest(roofline: Roofline) -> float:
    """Seconds that a plan never needs more than: every copy that can be wanted blocks."""
    uses, target = roofline.uses, roofline.uses.problem.target
    steps = roofline.compute + roofline.stream
    np.add.at(steps, uses.step, np.maximum(roofline.near, roofline.off))
    size = uses.bytes[uses.tensor].astype(np.float64)
    copies = size / np.where(
        uses.produces, target.offchip_write_bytes_per_second, target.offchip_read_bytes_per_second
    )
    return float(steps.sum() + copies.sum())


class _Builder:
    """Adds the rows one group after the other."""

    def __init__(self, uses: Uses, roofline: Roofline, room: int | None) -> None:
        target = uses.problem.target
        self.uses, self.roofline = uses, roofline
        self.resident = target.operand_rule == "resident"
        given = target.scratchpad_bytes if room is None else room
        self.bytes = given
        self.room = -(-given // target.alignment) * target.alignment
        most = longest(roofline)
        self.unit = most / SCALE if most > 0 else 1.0
        self.top = SCALE if most > 0 else 1.0
        self.per_byte = SCALE / self.room if self.room else 0.0
        self.size = np.asarray(uses.size[uses.tensor] * self.per_byte, np.float64)
        bytes_ = uses.bytes[uses.tensor].astype(np.float64)
        self.load = bytes_ / target.offchip_read_bytes_per_second / self.unit
        self.store = bytes_ / target.offchip_write_bytes_per_second / self.unit
        self.read = target.offchip_read_bytes_per_second * self.unit * self.per_byte
        self.write = target.offchip_write_bytes_per_second * self.unit * self.per_byte
        self.rows = Sparse()
        self.at: list[list[int]] = [[] for _ in range(uses.steps)]
        for u, step in enumerate(uses.step.tolist()):
            self.at[step].append(u)
        self.used: list[Terms] = [[] for _ in range(uses.steps)]  # left side of (8)
        self.first = {int(u) for u in np.flatnonzero(uses.produces)}

    def program(self) -> Program:
        uses, rows, n = self.uses, self.rows, self.uses.steps
        self.T = rows.columns(n, self.top, cost=1.0)
        self.W = rows.columns(n + 1, self.top, cost=1.0)
        self.carried: list[Terms] = [[(c, -1.0)] for c in self.T]  # (3), less what the step has
        self.waiting: list[Terms] = [[(c, -1.0)] for c in self.W]
        self._presence()
        inward, ahead = self._loads()
        self._stores()
        self._steps()
        self._room()
        self._updates()
        return Program(
            uses, self.roofline, rows, self.unit, self.x, self.kept, self.l, self.T, self.W,
            inward, ahead,
        )  # fmt: skip

    def _presence(self) -> None:
        """(4), (5)."""
        uses, rows = self.uses, self.rows
        fits = (uses.bytes[uses.tensor] <= self.bytes).tolist()
        self.x = [rows.column(float(ok), whole=not self.resident) for ok in fits]
        links = np.flatnonzero(~uses.last).tolist()
        self.kept = {u: rows.column(float(fits[u]), whole=True) for u in links}
        self.l = {u: rows.column() for u in range(len(fits)) if u not in self.first}
        self.v = {u: rows.column() for u in self.first}
        self.w = {u: rows.column() for u in self.first}
        for u, x in enumerate(self.x):
            if self.resident:
                rows.row([(x, 1.0)], 1.0)
            if u in self.l:
                held = [(self.kept[u - 1], 1.0)] if u - 1 in self.kept else []
                rows.row([(self.l[u], 1.0), (x, -1.0), *held])
        for u, k in self.kept.items():
            rows.row([(self.x[u], 1.0), (k, -1.0)])
            rows.row([(self.x[u + 1], 1.0), (k, -1.0)])
            made = int(uses.begin[uses.tensor[u]])
            if made in self.v:
                rows.row([(self.v[made], 1.0), (self.x[made], -1.0), (k, 1.0)])
        for u, v in self.v.items():
            if uses.output[uses.tensor[u]]:
                rows.row([(v, 1.0), (self.x[u], -1.0)])
            held = [(self.kept[u], 1.0)] if u in self.kept else []
            rows.row([(self.w[u], 1.0), (v, -1.0), *held])
            rows.row([(v, 1.0), (self.w[u], -1.0)])

    def _lanes(self) -> Lanes:
        """A queue's columns, entered in (3)."""
        n, rows = self.uses.steps, self.rows
        during = self.top if self.uses.problem.target.copy_engines > 0 else 0.0
        lanes = Lanes(rows.columns(n + 1, self.top), rows.columns(n, during))
        for terms, column in zip(
            (*self.waiting, *self.carried), (*lanes.wait, *lanes.step), strict=True
        ):
            terms.append((column, 1.0))
        return lanes

    def _loads(self) -> tuple[Lanes, list[int]]:
        """(6)."""
        uses, rows, n = self.uses, self.rows, self.uses.steps
        lanes = self._lanes()
        ahead, open_ = rows.columns(n, self.top), rows.columns(n, self.top)
        due: list[Terms] = [[] for _ in range(n)]
        fresh: list[Terms] = [[] for _ in range(n)]
        for u, column in self.l.items():
            first = int(uses.begin[uses.tensor[u]])
            made = int(uses.step[first]) + 1 if first in self.first else 0
            due[int(uses.step[u])].append((column, -float(self.load[u])))
            fresh[made].append((column, float(self.load[u])))
        for s in range(n):
            carried = [(lanes.wait[s], 1.0), (lanes.step[s], 1.0)]
            before = [(ahead[s - 1], 1.0)] if s else []
            rows.row([(ahead[s], -1.0), *carried, *due[s], *before], 0.0, 0.0)
            rows.row([(ahead[s], 1.0), (lanes.step[s], -1.0)])
            before = [(open_[s - 1], -1.0)] if s else []
            less = [(column, -factor) for column, factor in fresh[s]]
            rows.row([(open_[s], 1.0), *carried, *less, *before], 0.0, 0.0)
            self.used[s].append((ahead[s], self.read))
        return lanes, ahead

    def _stores(self) -> None:
        """(7)."""
        n = self.uses.steps
        staying: list[Terms] = [[] for _ in range(n)]
        leaving: list[Terms] = [[] for _ in range(n)]
        for u in self.first:
            step, seconds = int(self.uses.step[u]), float(self.store[u])
            staying[step] += [(self.v[u], seconds), (self.w[u], -seconds)]
            leaving[step].append((self.w[u], seconds))
        for s, terms in enumerate(self._queue(leaving)):
            self.used[s] += [(column, factor * self.write) for column, factor in terms]
        self._queue(staying)

    def _queue(self, fresh: list[Terms]) -> list[Terms]:
        """J or K; what is left in it at the end of every step, without the step's own."""
        rows, n = self.rows, self.uses.steps
        lanes, waits = self._lanes(), self.rows.columns(n, self.top)
        left: list[Terms] = []
        for s in range(n):
            before = [(waits[s - 1], 1.0)] if s else []
            left.append([*before, (lanes.wait[s], -1.0), (lanes.step[s], -1.0)])
            rows.row(left[s])
            rows.row([(waits[s], -1.0), *left[s], *fresh[s]], 0.0, 0.0)
        if n:
            rows.row([(lanes.wait[n], 1.0), (waits[n - 1], -1.0)])
        return left

    def _steps(self) -> None:
        """(2), (3)."""
        rows, roofline = self.rows, self.roofline
        near, far = roofline.near / self.unit, roofline.off / self.unit
        for s, here in enumerate(self.at):
            all_off = float(roofline.stream[s] / self.unit + sum(far[u] for u in here))
            rows.row([(self.T[s], 1.0)], float(roofline.compute[s] / self.unit))
            saved = [(self.x[u], float(far[u] - near[u])) for u in here]
            rows.row([(self.T[s], 1.0), *saved], all_off)
            freed = [(self.x[u], -float(far[u])) for u in here]
            rows.row([*self.carried[s], *freed], -INFINITY, -all_off)
        for terms in self.waiting:
            rows.row(terms, -INFINITY, 0.0)

    def _room(self) -> None:
        """(8)."""
        uses = self.uses
        for s, here in enumerate(self.at):
            self.used[s] += [(self.x[u], float(self.size[u])) for u in here]
        for u, k in self.kept.items():
            for s in range(int(uses.step[u]) + 1, int(uses.step[u + 1])):
                self.used[s].append((k, float(self.size[u])))
        self._shared()
        for terms in self.used:
            self.rows.row(terms, -INFINITY, self.room * self.per_byte)

    def _shared(self) -> None:
        uses, rows, tensors = self.uses, self.rows, self.uses.problem.tensors
        for s, here in enumerate(self.at):
            operands: dict[int, list[int]] = defaultdict(list)
            results: dict[int, list[int]] = defaultdict(list)
            for u in here:
                group = tensors[int(uses.tensor[u])].alias_group
                if group is not None and (uses.produces[u] or uses.last[u]):
                    (results if uses.produces[u] else operands)[group].append(u)
            for group in results.keys() & operands.keys():
                pairs: dict[int, Terms] = defaultdict(list)
                for a in operands[group]:
                    for r in results[group]:
                        p = rows.column()
                        pairs[a].append((p, -1.0))
                        pairs[r].append((p, -1.0))
                        self.used[s].append((p, -float(min(self.size[a], self.size[r]))))
                for u, terms in pairs.items():
                    rows.row([(self.x[u], 1.0), *terms])

    def _updates(self) -> None:
        """(9)."""
        uses, tensors = self.uses, self.uses.problem.tensors
        for update in updates(uses.problem, uses.life.order):
            r = (self.x[int(uses.begin[update.result])], 1.0)
            tracked = [t for t in update.operands if tensors[t].tracked]
            ends = [(self.x[int(uses.begin[t + 1]) - 1], -1.0) for t in tracked]
            self.rows.row([r, *ends], -INFINITY, 0.0)
            if len(tracked) == len(update.operands):
                self.rows.row([r, *ends], 1.0 - len(ends))
