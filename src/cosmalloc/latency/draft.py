"""A plan in the making, compiled: what `msa` and `anneal` work on. See native/draft.hpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.latency.webs import Web, webs_of
from cosmalloc.lifetimes import source_order
from cosmalloc.native.clock import FastClock
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds

Rows = NDArray[np.int64]
NOWHERE = -1


@dataclass(frozen=True)
class Drafting:
    """What belongs to one problem in one order.

    events: all events, web after web; a row of stays names them by number:
    (first event, last event, start, ready, stop, offset, store start, store stop, loaded).
    """

    problem: Problem
    order: tuple[int, ...]
    webs: tuple[Web, ...]
    clock: FastClock

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
        return cls(problem, chosen, webs_of(problem, chosen), FastClock(problem, chosen, cost))

    def empty(self) -> _native.Draft:
        """A draft with everything off-chip."""
        target, clock = self.problem.target, self.clock
        events = [
            (index, event.step, event.read_access, event.write_access)
            for index, web in enumerate(self.webs)
            for event in web.events
        ]
        sizes = [web.bytes for web in self.webs]
        return _native.Draft(
            clock.compute,
            clock.first,
            clock.off,
            clock.near,
            np.array(events, np.int64).reshape(-1, 4),
            np.array(sizes, np.int64),
            np.array([web.leaves for web in self.webs], np.int64),
            np.array(sizes, np.float64) / target.offchip_read_bytes_per_second,
            np.array(sizes, np.float64) / target.offchip_write_bytes_per_second,
            target.copy_engines,
            target.scratchpad_bytes,
            target.alignment,
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
        """A legal plan in this order as stays, as far as webs can say it: a tensor's other stays
        and copies go where a web's chain does not lie in one place, or where the plan stores a
        tensor twice."""
        here = Presence.of(plan)
        at = {(stay.tensor, stay.start): stay.offset for stay in plan.residencies}
        loads = {(c.tensor, c.start): c.stop for c in plan.transfers if c.kind == "load"}
        stores: dict[int, list[Transfer]] = {}
        for copy in plan.transfers:
            if copy.kind == "store":
                stores.setdefault(copy.tensor, []).append(copy)
        rows: list[tuple[int, ...]] = []
        number = 0
        for web in self.webs:
            rows += _web_rows(web, number, here, at, loads, stores)
            number += len(web.events)
        return np.array(rows, np.int64).reshape(-1, 9)


def _first_tensor(reads: int | None, writes: int | None) -> int:
    tensor = writes if reads is None else reads
    assert tensor is not None  # an event reads or writes
    return tensor


def _web_rows(
    web: Web,
    number: int,
    here: Presence,
    at: dict[tuple[int, int], int],
    loads: dict[tuple[int, int], int],
    stores: dict[int, list[Transfer]],
) -> list[tuple[int, ...]]:
    """The stays of one web; `number`: of its first event."""
    pieces = sorted((s[0], s[2], tensor) for tensor in web.tensors for s in here.stays.get(tensor, ()))
    rows: list[tuple[int, ...]] = []
    k = 0
    while k < len(pieces):
        start, stop, tensor = pieces[k]
        loaded = (tensor, start) in loads
        first_tensor, offset = tensor, at[tensor, start]
        k += 1
        while k < len(pieces) and pieces[k][0] == stop - 1 and at[pieces[k][2], pieces[k][0]] == offset:
            made = (pieces[k][2], pieces[k][0])
            if made in loads or not _updates(web, pieces[k][0], tensor, pieces[k][2]):
                break
            _, stop, tensor = pieces[k]
            k += 1
        ready = loads[first_tensor, start] if loaded else start
        covered = [i for i, event in enumerate(web.events) if ready <= event.step < stop]
        if not covered:
            continue
        kept = [copy for copy in stores.get(tensor, []) if start < copy.start and copy.stop <= stop]
        stored = min(kept, key=lambda copy: copy.stop, default=None)
        written = max((web.events[i].step for i in covered if web.events[i].writes is not None), default=None)
        if stored is not None and (written is None or stored.start <= written):
            stored = None
        rows.append(
            (
                number + covered[0],
                number + covered[-1],
                start,
                ready,
                stop,
                offset,
                NOWHERE if stored is None else stored.start,
                NOWHERE if stored is None else stored.stop,
                int(loaded),
            )
        )
    return rows


def _updates(web: Web, step: int, operand: int, result: int) -> bool:
    return any(e.step == step and e.reads == operand and e.writes == result for e in web.events)
