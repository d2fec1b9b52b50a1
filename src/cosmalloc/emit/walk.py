"""A plan as the list of what a runtime does, one thing after the other.

At border s: wait for the asynchronous copies that must be complete there, then blocking stores,
then blocking loads, then begin the asynchronous copies; then run step s. A blocking copy is begun
and waited for at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cosmalloc.emit.heap import Heap, heap
from cosmalloc.in_place import updates
from cosmalloc.plan import Plan, Residency, Transfer, TransferKind
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem

EventKind = Literal["begin", "wait", "run"]


@dataclass(frozen=True, slots=True)
class Operand:
    """Where an operator finds a tensor: at `offset` of the arena, off-chip where that is None."""

    tensor: int
    offset: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """An operator and where its tensors lie while it runs, in the problem's order."""

    operator: int
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """A transfer with the offset of the residency that it begins or reads."""

    tensor: int
    kind: TransferKind
    start: int
    stop: int
    offset: int


@dataclass(frozen=True, slots=True)
class Event:
    """`begin` or `wait` for copy `index`, or `run` step `index`."""

    kind: EventKind
    index: int


@dataclass(frozen=True)
class Walk:
    """arena_bytes: of the scratchpad, as far as the plan uses it. heap: what lies off-chip where.
    steps, copies: copies in the order in which they are issued. events: everything in order.
    """

    arena_bytes: int
    heap: Heap
    steps: tuple[Step, ...]
    copies: tuple[Copy, ...]
    events: tuple[Event, ...]


def walk(problem: Problem, plan: Plan) -> Walk:
    """What a runtime does for a legal plan."""
    places = _Places(plan)
    steps = tuple(_step(problem, places, s, o) for s, o in enumerate(plan.order))
    copies = tuple(places.copy(each) for each in in_issue_order(plan.transfers))
    top = max((r.offset + problem.tensors[r.tensor].bytes for r in plan.residencies), default=0)
    homes = heap(problem, _off_chip(steps, copies), _shared(problem, plan, steps))
    return Walk(top, homes, steps, copies, tuple(_events(len(steps), copies)))


def in_issue_order(transfers: tuple[Transfer, ...]) -> list[Transfer]:
    """At one border: blocking stores, blocking loads, then the rest as listed."""

    def rank(each: Transfer) -> tuple[int, bool, bool]:
        blocking = each.start == each.stop
        return each.start, not blocking, blocking and each.kind == "load"

    return sorted(transfers, key=rank)


class _Places:
    def __init__(self, plan: Plan) -> None:
        self.presence = Presence.of(plan)
        self.begun = {(r.tensor, r.start): r for r in plan.residencies}
        self.stays: dict[int, list[Residency]] = {}
        for stay in plan.residencies:
            self.stays.setdefault(stay.tensor, []).append(stay)

    def read(self, tensor: int, step: int) -> Operand:
        start = self.presence.start(tensor, step)
        return Operand(tensor, None if start is None else self.begun[tensor, start].offset)

    def made(self, tensor: int, step: int) -> Operand:
        stay = self.begun.get((tensor, step))
        return Operand(tensor, None if stay is None else stay.offset)

    def copy(self, each: Transfer) -> Copy:
        if each.kind == "load":
            offset = self.begun[each.tensor, each.start].offset
        else:
            offset = next(
                r.offset for r in self.stays[each.tensor] if r.start < each.start <= r.stop
            )
        return Copy(each.tensor, each.kind, each.start, each.stop, offset)


def _step(problem: Problem, places: _Places, step: int, operator: int) -> Step:
    node = problem.operators[operator]
    return Step(
        operator,
        tuple(places.read(tensor, step) for tensor in node.inputs),
        tuple(places.made(tensor, step) for tensor in node.outputs),
    )


def _off_chip(steps: tuple[Step, ...], copies: tuple[Copy, ...]) -> Iterator[tuple[int, int, int]]:
    """(tensor, first, last) of everything that touches a tensor off-chip."""
    for at, step in enumerate(steps):
        for operand in (*step.inputs, *step.outputs):
            if operand.offset is None:
                yield operand.tensor, at, at
    for copy in copies:
        yield copy.tensor, copy.start, copy.stop


def _shared(problem: Problem, plan: Plan, steps: tuple[Step, ...]) -> Iterator[tuple[int, int]]:
    """(operand, result) of the updates in place that happen off-chip; an operand has one result."""
    taken: set[int] = set()
    for update in updates(problem, plan.order):
        step = steps[update.step]
        off = {each.tensor for each in (*step.inputs, *step.outputs) if each.offset is None}
        partners = [tensor for tensor in update.operands if tensor in off - taken]
        if update.result in off and partners:
            taken.add(partners[0])
            yield partners[0], update.result


def _events(steps: int, copies: tuple[Copy, ...]) -> Iterator[Event]:
    issued: dict[int, list[int]] = {}
    due: dict[int, list[int]] = {}
    for index, copy in enumerate(copies):
        issued.setdefault(copy.start, []).append(index)
        if copy.start < copy.stop:
            due.setdefault(copy.stop, []).append(index)
    for border in range(steps + 1):
        for index in due.get(border, ()):
            yield Event("wait", index)
        for index in issued.get(border, ()):
            yield Event("begin", index)
            if copies[index].start == copies[index].stop:
                yield Event("wait", index)
        if border < steps:
            yield Event("run", border)
