"""A plan read back as stays of webs: the rows that `Drafting.plan` writes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cosmalloc.latency.webs import Web
from cosmalloc.plan import Plan, Residency, Transfer

NOWHERE = -1
Row = tuple[int, ...]


@dataclass(frozen=True)
class _Sheet:
    """The plan by tensor: residencies by start, ends of loads by (tensor, start), stores."""

    stays: dict[int, list[Residency]]
    loads: dict[tuple[int, int], int]
    stores: dict[int, list[Transfer]]

    @classmethod
    def of(cls, plan: Plan) -> _Sheet:
        stays: dict[int, list[Residency]] = {}
        for stay in sorted(plan.residencies, key=lambda stay: stay.start):
            stays.setdefault(stay.tensor, []).append(stay)
        stores: dict[int, list[Transfer]] = {}
        for copy in plan.transfers:
            if copy.kind == "store":
                stores.setdefault(copy.tensor, []).append(copy)
        loads = {(c.tensor, c.start): c.stop for c in plan.transfers if c.kind == "load"}
        return cls(stays, loads, stores)


def stays_of(webs: Sequence[Web], plan: Plan) -> list[Row]:
    """The rows (see `cosmalloc.latency.draft.Drafting`) of a legal plan, web after web."""
    sheet = _Sheet.of(plan)
    rows: list[Row] = []
    number = 0
    for web in webs:
        for run in _runs(web, sheet):
            rows += _row(web, number, run, sheet)
        number += len(web.events)
    return rows


def _runs(web: Web, sheet: _Sheet) -> Iterator[list[Residency]]:
    """Residencies that follow each other by updates in place, and so are one stay."""
    updated = {(e.step, e.reads): e.writes for e in web.events}
    pieces = sorted(
        (stay for tensor in web.tensors for stay in sheet.stays.get(tensor, ())),
        key=lambda stay: stay.start,
    )
    run: list[Residency] = []
    for stay in pieces:
        if run:
            last = run[-1]
            goes_on = (
                stay.start == last.stop - 1
                and stay.offset == last.offset
                and updated.get((stay.start, last.tensor)) == stay.tensor
            )
            if not goes_on:
                yield run
                run = []
        run.append(stay)
    if run:
        yield run


def _row(web: Web, number: int, run: Sequence[Residency], sheet: _Sheet) -> Iterator[Row]:
    """The stay, if an event uses it; `number`: of the web's first event."""
    first, last = run[0], run[-1]
    ready = sheet.loads.get((first.tensor, first.start))
    loaded = ready is not None and not _made_at(web, first)
    whole = ready if loaded and ready is not None else first.start
    covered = [k for k, event in enumerate(web.events) if whole <= event.step < last.stop]
    if not covered:
        return
    writes = [web.events[k].step for k in covered if web.events[k].writes is not None]
    stored, store_stop = NOWHERE, NOWHERE
    if writes:
        for copy in sheet.stores.get(last.tensor, ()):
            inside = writes[-1] < copy.start and copy.stop <= last.stop
            if inside and (stored == NOWHERE or copy.stop < store_stop):
                stored, store_stop = copy.start, copy.stop
    place = (first.start, whole, last.stop, first.offset, stored, store_stop, int(loaded))
    yield (number + covered[0], number + covered[-1], *place)


def _made_at(web: Web, stay: Residency) -> bool:
    """Whether the residency starts by production."""
    return any(e.writes == stay.tensor and e.step == stay.start for e in web.events)
