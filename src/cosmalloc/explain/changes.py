"""A plan with one thing changed, and what the change costs.

Every change is made, judged and measured, so what is said of it is so; one that is no legal plan is
no change (an update in place may tie a tensor to where it is).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cosmalloc.errors import InputError
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify


@dataclass(frozen=True, slots=True)
class Price:
    """What a change adds. traffic: non-compulsory bytes. seconds: of the timeline, None where
    operators have no seconds. Negative: it saves."""

    traffic: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """The changed plan, legal for the changed problem."""

    problem: Problem
    plan: Plan


def price(problem: Problem, plan: Plan, change: Change | None) -> Price | None:
    """What the change adds to the plan; None for no change."""
    if change is None:
        return None
    before = traffic(problem, plan).non_compulsory
    after = traffic(change.problem, change.plan).non_compulsory
    try:
        seconds = simulate(change.problem, change.plan).latency - simulate(problem, plan).latency
    except InputError:
        return Price(after - before, None)
    return Price(after - before, seconds)


def kept(problem: Problem, plan: Plan, tensor: int, start: int, stop: int) -> Change | None:
    """The tensor on chip in steps [start, stop) too, in bytes of its own above the scratchpad.

    start, stop: an absence, from the end of one stay or the first use to the start of the next or
    behind the last use. Copies that this makes needless are left out.
    """
    mine = sorted((r for r in plan.residencies if r.tensor == tensor), key=lambda r: r.start)
    before = next((r for r in mine if r.stop == start), None)
    after = next((r for r in mine if r.start == stop), None)
    align = problem.target.alignment
    top = -(-problem.target.scratchpad_bytes // align) * align
    whole = Residency(tensor, top, before.start if before else start, after.stop if after else stop)
    copies = [
        c
        for c in plan.transfers
        if after is None or (c.tensor, c.kind, c.start) != (tensor, "load", stop)
    ]
    made_at = _made_at(problem, plan, tensor)
    if before is None and made_at != start:
        copies.append(Transfer(tensor, "load", start, start))
    stays = [r for r in plan.residencies if r not in (before, after)]
    changed = Plan(plan.order, (*stays, whole), tuple(copies))
    changed = _stored_as_needed(problem, changed, tensor, whole, made_at)
    room = top + problem.tensors[tensor].bytes
    return _judged(replace(problem, target=replace(problem.target, scratchpad_bytes=room)), changed)


def _stored_as_needed(
    problem: Problem, plan: Plan, tensor: int, whole: Residency, made_at: int | None
) -> Plan:
    """Without stores that nobody reads; with one at the end of `whole` if that has become needed.

    A store is needed if the tensor is an output or somebody reads it off-chip.
    """
    if made_at is None:
        return plan
    here = Presence.of(plan)
    reads = (plan.order.index(o) for o in problem.readers[tensor])
    needed = (
        problem.tensors[tensor].kind == "output"
        or any(c.tensor == tensor and c.kind == "load" for c in plan.transfers)
        or any(not here.on_chip(tensor, step) for step in reads)
    )
    stores = [c for c in plan.transfers if c.tensor == tensor and c.kind == "store"]
    if not needed:
        rest = tuple(c for c in plan.transfers if c not in stores)
        return replace(plan, transfers=rest)
    if stores or not here.on_chip(tensor, made_at):
        return plan
    store = Transfer(tensor, "store", whole.stop, whole.stop)
    return replace(plan, transfers=(*plan.transfers, store))


def evicted(problem: Problem, plan: Plan, stay: Residency, start: int, stop: int) -> Change | None:
    """The tensor gone in steps [start, stop) of its stay: stored first if it has no copy off-chip,
    loaded again before step `stop`.

    start: after a use. stop: the next use.
    """
    tensor = stay.tensor
    first, second = replace(stay, stop=start), replace(stay, start=stop)

    def sound(c: Transfer) -> bool:
        early, late = c.stop <= start, c.start > stop
        outside = c.stop <= stay.start or c.start >= stay.stop
        return c.tensor != tensor or c.kind != "store" or early or late or outside

    copies = [c for c in plan.transfers if sound(c)]
    made_at = _made_at(problem, plan, tensor)
    if made_at is not None and not _valid_by(plan, tensor, made_at, copies, stop):
        copies.append(Transfer(tensor, "store", start, start))
    copies.append(Transfer(tensor, "load", stop, stop))
    stays = (r for r in plan.residencies if r != stay)
    return _judged(problem, Plan(plan.order, (*stays, first, second), tuple(copies)))


def _valid_by(plan: Plan, tensor: int, made_at: int, copies: list[Transfer], border: int) -> bool:
    """Whether the produced tensor has a copy off-chip at a border."""
    stored = any(c.tensor == tensor and c.kind == "store" and c.stop <= border for c in copies)
    on_chip = any(r.tensor == tensor and r.start == made_at for r in plan.residencies)
    return stored or not on_chip


def _made_at(problem: Problem, plan: Plan, tensor: int) -> int | None:
    maker = problem.producer[tensor]
    return None if maker is None else plan.order.index(maker)


def _judged(problem: Problem, plan: Plan) -> Change | None:
    return None if verify(problem, plan) else Change(problem, plan)
