"""A plan in the making, compiled: what `msa` and `anneal` work on. See native/draft.hpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.latency.reading import NOWHERE, stays_of
from cosmalloc.latency.trips import trips_of
from cosmalloc.latency.webs import Web, lendings, webs_of
from cosmalloc.lifetimes import source_order
from cosmalloc.native.clock import FastClock
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Drafting:
    """What belongs to one problem in one order.

    events: all events, web after web; a row of stays names them by number:
    (first event, last event, start, ready, stop, offset, store start, store stop, loaded).
    trips: per step the first one of its trip of a loop, -1 outside; () without loops.
    """

    problem: Problem
    order: tuple[int, ...]
    webs: tuple[Web, ...]
    clock: FastClock
    trips: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, problem: Problem, order: Sequence[int] | None = None, cost: Cost = compute_seconds
    ) -> Drafting:
        """In source order unless told. InputError for an operator without seconds, or a target
        whose operands have to be on chip."""
        if problem.target.operand_rule != "anywhere":
            raise InputError(
                f"target `{problem.target.name}` wants operands on chip (rule `resident`)",
                "use solver `greedy`, or a target whose operand rule is `anywhere`",
            )
        chosen = tuple(source_order(problem) if order is None else order)
        clock = FastClock(problem, chosen, cost)
        return cls(problem, chosen, webs_of(problem, chosen), clock, trips_of(problem, chosen))

    def empty(self) -> _native.Draft:
        """A draft with everything off-chip."""
        target, clock = self.problem.target, self.clock
        events = [
            (index, event.step, event.read_access, event.write_access)
            for index, web in enumerate(self.webs)
            for event in web.events
        ]
        size = [tensor.bytes for tensor in self.problem.tensors]
        every = [event for web in self.webs for event in web.events]
        reads = [0 if event.reads is None else size[event.reads] for event in every]
        writes = [0 if event.writes is None else size[event.writes] for event in every]
        return _native.Draft(
            clock.compute,
            clock.first,
            clock.off,
            clock.near,
            np.array(events, np.int64).reshape(-1, 4),
            np.array([web.bytes for web in self.webs], np.int64),
            np.array([web.leaves for web in self.webs], np.int64),
            np.array(reads, np.float64) / target.offchip_read_bytes_per_second,
            np.array(writes, np.float64) / target.offchip_write_bytes_per_second,
            target.copy_engines,
            target.scratchpad_bytes,
            target.alignment,
            np.array(lendings(self.problem, self.webs), np.int64).reshape(-1, 2),
        )

    def plan(self, rows: Rows) -> Plan:
        """Stays as a plan. Copies that start at one border queue by the border where they end."""
        residencies: list[Residency] = []
        copies: list[tuple[int, int, int, Transfer]] = []
        place = [(w, k) for w, web in enumerate(self.webs) for k in range(len(web.events))]
        for first, last, start, ready, stop, offset, stored, store_stop, loaded in rows.tolist():
            web, begin = place[first]
            events = self.webs[web].events[begin : begin + last - first + 1]
            tensor = _first_tensor(events[0].reads, events[0].writes)
            if loaded:
                copies.append((start, ready, web, Transfer(tensor, "load", start, ready)))
            since = start
            for event in events:
                if event.writes is not None and event.reads is not None:
                    residencies.append(Residency(tensor, offset, since, event.step + 1))
                    tensor, since = event.writes, event.step
            residencies.append(Residency(tensor, offset, since, stop))
            if stored != NOWHERE:
                copy = Transfer(tensor, "store", stored, store_stop)
                copies.append((stored, store_stop, web, copy))
        copies.sort(key=lambda copy: copy[:3])
        return Plan(self.order, tuple(residencies), tuple(copy for *_, copy in copies))

    def rows(self, plan: Plan) -> Rows:
        """A legal plan in this order as stays. What a web can't say is left out: a second store of
        one tensor, a stay that no event uses."""
        return np.array(stays_of(self.webs, plan), np.int64).reshape(-1, 9)


def _first_tensor(reads: int | None, writes: int | None) -> int:
    tensor = writes if reads is None else reads
    assert tensor is not None  # an event reads or writes
    return tensor
