"""Latency under a fixed order, as a mixed-integer program that no plan of that order beats.

x, k, l, v and their rows are those of `held`; w[u] = 1: what use u produces is stored, though it
does not stay on chip until its next use. Seconds, in time order W[0], T[0], W[1], T[1], ..., W[n]:
T[s] of step s, W[s] of waiting before it. In each of them the channel carries in[.] seconds of
loads, out[.] of stores that stay, gone[.] of stores that leave. I[s]: loaded by the end of step s
for uses after it. E[s]: what could be loaded by then and is not. J[s], K[s]: stores that stay, and
that leave, of results up to step s, not yet carried.

    (1)  min sum_s T[s] + sum_s W[s]
    (2)  T[s] >= compute[s]
         T[s] >= off[s] + sum_{u at s} near[u] x[u]
         off[s] = stream[s] + sum_{u at s} far[u] (1 - x[u])
    (3)  in + out + gone <= T[s] - off[s], in step s;  in + out + gone <= W[s], waiting
    (4)  w[u] >= v[u] - k[u]
    (5)  I[s] = I[s-1] + in - sum_{u at s} load[u] l[u];  I[s] >= in of step s itself
         E[s] = E[s-1] - in + sum_u load[u] l[u] over the uses u of what was made at s - 1, and at
         s = 0 of inputs and weights
    (6)  J[s] = J[s-1] - out + sum_{u at s} store[u] (v[u] - w[u]),
         K[s] = K[s-1] - gone + sum_{u at s} store[u] w[u];  nothing of step s is carried before it
         is over, everything by the end of W[n]
    (7)  on the left of the room's row of step s: bytes of I[s], and of K[s-1] not carried by the
         end of step s
    (8), (9)  stores are over in time: see `latency_due`

Every legal plan gives a solution that costs its latency: T, W as `simulate` has them (without
copy engines all copies are carried while waiting), a load in progress or complete before its use
has its residency's bytes from its first second on, which are at least what (7) counts of it; so has
a store until it is over. What is left out: offsets, the order of the queues, and the bytes that are
reserved for the part of a copy that is still to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.uses import Uses, uses_of
from cosmalloc.ilp.held import Held, Terms, hold
from cosmalloc.ilp.latency_due import stores_in_time
from cosmalloc.ilp.sparse import INF, Floats, Sparse
from cosmalloc.lifetimes import lifetimes
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds

DUE = 400  # steps: longer programs do without (8) and (9), which double the relaxation's seconds
SCALE = 1000.0  # what the seconds of the whole problem are counted in


@dataclass(frozen=True)
class Lanes:
    """Columns of the seconds of one queue: wait, before each step and behind the last; step."""

    wait: list[int]
    step: list[int]


@dataclass(frozen=True)
class Program:
    """unit: seconds that count as one. inward: of loads. ahead: the columns I."""

    held: Held
    roofline: Roofline
    unit: float
    inward: Lanes
    ahead: list[int]

    @property
    def uses(self) -> Uses:
        return self.held.uses

    @property
    def rows(self) -> Sparse:
        return self.held.rows


def latency_program(
    problem: Problem,
    order: tuple[int, ...],
    room: int | None = None,
    cost: Cost = compute_seconds,
) -> Program:
    """(1) to (7). room: bytes, those of the scratchpad if None.

    InputError where an operator has no seconds.
    """
    uses = uses_of(problem, lifetimes(problem, order))
    capacity = problem.target.scratchpad_bytes if room is None else room
    return _Builder(hold(Sparse(), uses, capacity), Roofline.of(uses, cost)).program()


def longest(roofline: Roofline) -> float:
    """Seconds that a plan never needs more than: every copy that can be wanted blocks."""
    uses = roofline.uses
    steps = roofline.compute + roofline.stream
    np.add.at(steps, uses.step, np.maximum(roofline.near, roofline.off))
    return float(steps.sum() + copying(uses).sum())


def copying(uses: Uses) -> Floats:
    """float64[U]: channel seconds of a load for the use, of a store where it produces."""
    target = uses.problem.target
    speed = np.where(
        uses.produces, target.offchip_write_bytes_per_second, target.offchip_read_bytes_per_second
    )
    seconds: Floats = uses.bytes[uses.tensor] / speed
    return seconds


class _Builder:
    """Adds the rows one group after the other.

    running, waiting: the left side of (3) of every step and wait, less what the channel has.
    """

    def __init__(self, held: Held, roofline: Roofline) -> None:
        self.held, self.rows, self.uses, self.roofline = held, held.rows, held.uses, roofline
        most, steps = longest(roofline), held.uses.steps
        self.unit = most / SCALE if most > 0 else 1.0
        self.top = SCALE if most > 0 else 1.0
        self.copying = copying(held.uses) / self.unit
        self.times = self.rows.columns(steps, self.top, cost=1.0)
        waits = self.rows.columns(steps + 1, self.top, cost=1.0)
        self.running: list[Terms] = [[(column, -1.0)] for column in self.times]
        self.waiting: list[Terms] = [[(column, -1.0)] for column in waits]

    def program(self) -> Program:
        inward, ahead = self._loads()
        self._stores()
        self._steps()
        self.held.close()
        return Program(self.held, self.roofline, self.unit, inward, ahead)

    def _lanes(self) -> Lanes:
        """A queue's columns, entered in (3)."""
        steps = self.uses.steps
        during = self.top if self.uses.problem.target.copy_engines > 0 else 0.0
        lanes = Lanes(self.rows.columns(steps + 1, self.top), self.rows.columns(steps, during))
        for terms, column in zip(self.waiting, lanes.wait, strict=True):
            terms.append((column, 1.0))
        for terms, column in zip(self.running, lanes.step, strict=True):
            terms.append((column, 1.0))
        return lanes

    def _loads(self) -> tuple[Lanes, list[int]]:
        """(5), and its part of (7)."""
        uses, rows, steps = self.uses, self.rows, self.uses.steps
        bytes_ = uses.problem.target.offchip_read_bytes_per_second * self.unit * self.held.per_byte
        lanes = self._lanes()
        ahead, open_ = rows.columns(steps, self.top), rows.columns(steps, self.top)
        due: list[Terms] = [[] for _ in range(steps)]
        fresh: list[Terms] = [[] for _ in range(steps)]
        for u, column in self.held.loads.items():
            first = int(uses.begin[uses.tensor[u]])
            ready = int(uses.step[first]) + 1 if uses.produces[first] else 0
            due[int(uses.step[u])].append((column, -float(self.copying[u])))
            fresh[ready].append((column, -float(self.copying[u])))
        for s in range(steps):
            carried = [(lanes.wait[s], 1.0), (lanes.step[s], 1.0)]
            before = [(ahead[s - 1], 1.0)] if s else []
            rows.row([(ahead[s], -1.0), *carried, *due[s], *before], 0.0, 0.0)
            rows.row([(ahead[s], 1.0), (lanes.step[s], -1.0)])
            before = [(open_[s - 1], -1.0)] if s else []
            rows.row([(open_[s], 1.0), *carried, *fresh[s], *before], 0.0, 0.0)
            self.held.used[s].append((ahead[s], bytes_))
        return lanes, ahead

    def _stores(self) -> None:
        """(4), (6), its part of (7), (8), (9)."""
        uses, rows, held = self.uses, self.rows, self.held
        bytes_ = uses.problem.target.offchip_write_bytes_per_second * self.unit * held.per_byte
        staying: list[Terms] = [[] for _ in range(uses.steps)]
        leaving: list[Terms] = [[] for _ in range(uses.steps)]
        for u, store in held.stores.items():
            leaves = rows.column()
            links = [(held.kept[u], 1.0)] if u in held.kept else []
            rows.row([(leaves, 1.0), (store, -1.0), *links])
            rows.row([(store, 1.0), (leaves, -1.0)])
            step, seconds = int(uses.step[u]), float(self.copying[u])
            staying[step] += [(store, seconds), (leaves, -seconds)]
            leaving[step].append((leaves, seconds))
        goes, stays = self._lanes(), self._lanes()
        for s, terms in enumerate(self._queue(goes, leaving)):
            held.used[s] += [(column, factor * bytes_) for column, factor in terms]
        self._queue(stays, staying)
        if held.uses.steps <= DUE:
            stores_in_time(held, (goes, stays), self.copying, self.top)

    def _queue(self, lanes: Lanes, fresh: list[Terms]) -> list[Terms]:
        """J or K; what is left in it at the end of every step, without the step's own."""
        rows, steps = self.rows, self.uses.steps
        waits = rows.columns(steps, self.top)
        left: list[Terms] = []
        for s in range(steps):
            before = [(waits[s - 1], 1.0)] if s else []
            left.append([*before, (lanes.wait[s], -1.0), (lanes.step[s], -1.0)])
            rows.row(left[s])
            rows.row([(waits[s], -1.0), *left[s], *fresh[s]], 0.0, 0.0)
        if steps:
            rows.row([(lanes.wait[steps], 1.0), (waits[steps - 1], -1.0)])
        return left

    def _steps(self) -> None:
        """(2), (3)."""
        uses, rows, roofline = self.uses, self.rows, self.roofline
        near, far = roofline.near / self.unit, roofline.off / self.unit
        saved: list[Terms] = [[] for _ in range(uses.steps)]
        everything = roofline.stream / self.unit
        np.add.at(everything, uses.step, far)
        for u, step in enumerate(uses.step.tolist()):
            saved[step].append((self.held.x[u], float(far[u] - near[u])))
            self.running[step].append((self.held.x[u], -float(far[u])))
        for s, off in enumerate(everything.tolist()):
            rows.row([(self.times[s], 1.0)], float(roofline.compute[s] / self.unit))
            rows.row([(self.times[s], 1.0), *saved[s]], off)
            rows.row(self.running[s], -INF, -off)
        for terms in self.waiting:
            rows.row(terms, -INF, 0.0)
