"""Edits that may mend a fault, the least first; whether they do is for the judge to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from cosmalloc.explain.space import lowest_free
from cosmalloc.fault import Fault
from cosmalloc.plan import Plan, Residency, Transfer, TransferKind
from cosmalloc.problem import Problem
from cosmalloc.verify.words import tensor_words


@dataclass(frozen=True, slots=True)
class Edit:
    """words: what to do, as an order. plan: with that done."""

    words: str
    plan: Plan


def edits(problem: Problem, plan: Plan, fault: Fault) -> Iterator[Edit]:
    """What may mend the fault."""
    if fault.tensor is None or fault.tensor >= len(problem.tensors) or fault.law not in _EDITS:
        return
    yield from _EDITS[fault.law](_Bench(problem, plan, fault.tensor, fault.step or 0))


@dataclass(frozen=True)
class _Bench:
    """A plan and the tensor whose fault is to be mended at a step."""

    problem: Problem
    plan: Plan
    tensor: int
    step: int

    @property
    def name(self) -> str:
        return tensor_words(self.problem, self.tensor)

    @property
    def steps(self) -> int:
        return len(self.problem.operators)

    def stays(self) -> list[Residency]:
        mine = (r for r in self.plan.residencies if r.tensor == self.tensor)
        return sorted(mine, key=lambda r: r.start)

    def copies(self, kind: TransferKind) -> list[Transfer]:
        return [c for c in self.plan.transfers if (c.tensor, c.kind) == (self.tensor, kind)]

    def made_at(self) -> int | None:
        maker = self.problem.producer[self.tensor]
        return self.plan.order.index(maker) if maker in self.plan.order else None

    def free(self, start: int, stop: int, but: Residency | None = None) -> int | None:
        """The lowest offset free in steps [start, stop)."""
        others = [
            r
            for r in self.plan.residencies
            if r.start < stop
            and start < r.stop
            and r != but
            and r.tensor < len(self.problem.tensors)
        ]
        return lowest_free(self.problem, others, self.problem.tensors[self.tensor].bytes)

    def stay_becomes(self, words: str, old: Residency, *new: Residency) -> Edit:
        stays = [r for r in self.plan.residencies if r != old]
        return Edit(words, replace(self.plan, residencies=(*stays, *new)))

    def copy_becomes(self, words: str, old: Transfer, *new: Transfer) -> Edit:
        copies = [c for c in self.plan.transfers if c != old]
        return Edit(words, replace(self.plan, transfers=(*copies, *new)))

    def with_copy(self, words: str, new: Transfer) -> Edit:
        return Edit(words, replace(self.plan, transfers=(*self.plan.transfers, new)))


def _overlap(bench: _Bench) -> Iterator[Edit]:
    here = [r for r in bench.stays() if r.start <= bench.step < r.stop]
    for old, new in pairwise(here):
        if old.start < new.start:
            words = f"end the residency of {bench.name} in steps [{old.start}, {old.stop})"
            yield bench.stay_becomes(
                f"{words} at step {new.start}", old, replace(old, stop=new.start)
            )
        whole = replace(old, stop=max(old.stop, new.stop))
        joined = bench.stay_becomes("", old, whole).plan
        stays = tuple(r for r in joined.residencies if r != new or r == whole)
        loads = {(bench.tensor, new.start)} - {(bench.tensor, old.start)}
        copies = tuple(
            c for c in joined.transfers if c.kind != "load" or (c.tensor, c.start) not in loads
        )
        yield Edit(
            f"make one residency of {bench.name} in steps [{whole.start}, {whole.stop}) of the two",
            replace(joined, residencies=stays, transfers=copies),
        )
    for stay in here:
        at = bench.free(stay.start, stay.stop, but=stay)
        if at is not None:
            yield bench.stay_becomes(
                f"put {bench.name} at offset {at:,} in steps [{stay.start}, {stay.stop})",
                stay,
                replace(stay, offset=at),
            )
    for other in bench.plan.residencies:
        if other.tensor == bench.tensor or not other.start <= bench.step < other.stop:
            continue
        theirs = replace_tensor(bench, other.tensor)
        at = theirs.free(other.start, other.stop, but=other) if theirs is not None else None
        if theirs is not None and at is not None:
            yield bench.stay_becomes(
                f"put {theirs.name} at offset {at:,} in steps [{other.start}, {other.stop})",
                other,
                replace(other, offset=at),
            )


def replace_tensor(bench: _Bench, tensor: int) -> _Bench | None:
    """The same bench for another tensor, None for one that does not exist."""
    return replace(bench, tensor=tensor) if tensor < len(bench.problem.tensors) else None


def _place(bench: _Bench) -> Iterator[Edit]:
    align, room = bench.problem.target.alignment, bench.problem.target.scratchpad_bytes
    size = bench.problem.tensors[bench.tensor].bytes
    for stay in bench.stays():
        where = f"{bench.name} in steps [{stay.start}, {stay.stop})"
        if not bench.problem.tensors[bench.tensor].tracked:
            copies = tuple(c for c in bench.plan.transfers if c.tensor != bench.tensor)
            dropped = bench.stay_becomes("", stay).plan
            yield Edit(f"leave the residency of {where} out", dropped)
            yield Edit(
                f"leave the residency of {where} and its copies out",
                replace(dropped, transfers=copies),
            )
        if stay.stop > bench.steps > stay.start:
            words = f"end the residency of {where} at step {bench.steps}"
            yield bench.stay_becomes(words, stay, replace(stay, stop=bench.steps))
        below = stay.offset // align * align
        for at in (below, below + align, bench.free(stay.start, stay.stop, but=stay)):
            if at is not None and at != stay.offset and at + size <= room:
                yield bench.stay_becomes(
                    f"put {where} at offset {at:,}", stay, replace(stay, offset=at)
                )


def _start(bench: _Bench) -> Iterator[Edit]:
    made_at = bench.made_at()
    for stay in bench.stays():
        where = f"the residency of {bench.name} in steps [{stay.start}, {stay.stop})"
        if not any(c.start == stay.start for c in bench.copies("load")):
            load = Transfer(bench.tensor, "load", stay.start, stay.start)
            yield bench.with_copy(f"load {bench.name} at border {stay.start}", load)
        if made_at is not None and made_at < stay.stop and made_at != stay.start:
            yield bench.stay_becomes(
                f"let {where} start at step {made_at}, which makes it",
                stay,
                replace(stay, start=made_at),
            )
    for load in bench.copies("load"):
        words = f"the load of {bench.name} between borders {load.start} and {load.stop}"
        if load.start < load.stop:
            yield bench.copy_becomes(
                f"make {words} blocking at border {load.start}",
                load,
                replace(load, stop=load.start),
            )
        yield bench.copy_becomes(f"leave out {words}", load)


def _off_chip(bench: _Bench) -> Iterator[Edit]:
    borders = sorted({stay.stop for stay in bench.stays() if stay.stop <= bench.steps})
    for store in bench.copies("store"):
        words = f"the store of {bench.name} between borders {store.start} and {store.stop}"
        yield bench.copy_becomes(f"leave out {words}", store)
        for border in borders:
            yield bench.copy_becomes(
                f"make {words} a blocking one at border {border}",
                store,
                Transfer(bench.tensor, "store", border, border),
            )
    yield from _stored(bench)


def _stored(bench: _Bench) -> Iterator[Edit]:
    for border in sorted({stay.stop for stay in bench.stays() if stay.stop <= bench.steps}):
        store = Transfer(bench.tensor, "store", border, border)
        yield bench.with_copy(f"store {bench.name} at border {border}", store)


def _operand(bench: _Bench) -> Iterator[Edit]:
    for stay in bench.stays():
        where = f"the residency of {bench.name} in steps [{stay.start}, {stay.stop})"
        if stay.stop <= bench.step:
            longer = replace(stay, stop=bench.step + 1)
            yield bench.stay_becomes(f"keep {where} until step {longer.stop}", stay, longer)
    at = bench.free(bench.step, bench.step + 1)
    if at is not None:
        new = Residency(bench.tensor, at, bench.step, bench.step + 1)
        stays = (*bench.plan.residencies, new)
        words = f"put {bench.name} at offset {at:,} in step {bench.step}"
        yield Edit(words, replace(bench.plan, residencies=stays))
        load = Transfer(bench.tensor, "load", bench.step, bench.step)
        copies = (*bench.plan.transfers, load)
        yield Edit(
            f"{words}, loaded at border {bench.step}",
            replace(bench.plan, residencies=stays, transfers=copies),
        )
    yield from _stored(bench)


_EDITS: dict[int, Callable[[_Bench], Iterator[Edit]]] = {
    2: _overlap,
    3: _place,
    4: _start,
    5: _off_chip,
    6: _operand,
    7: _stored,
}
