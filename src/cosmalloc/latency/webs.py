"""Webs: what holds the same bytes, and the steps that touch it.

A tensor is a web of its own, unless it is updated in place: operand and result of an update lie in
one memory (`cosmalloc.in_place`), so that they and what is made of them in turn are one web. Its
events are the steps that touch it: the first of a produced web writes, all others read, and those
that update write as well. Where a result has no operand of its own to lie upon, the webs of all
concerned stay off-chip: they have no events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosmalloc.in_place import updates
from cosmalloc.problem import Problem


@dataclass(frozen=True, slots=True)
class Event:
    """One step that touches a web.

    reads, writes: the tensor read and the one written, None for none. read_access, write_access:
    their places among the accesses, counted step by step, operands before results; -1 for none.
    """

    step: int
    reads: int | None
    writes: int | None
    read_access: int
    write_access: int


@dataclass(frozen=True, slots=True)
class Web:
    """tensors: in the order in which they are made. events: by step. leaves: ends off-chip."""

    tensors: tuple[int, ...]
    bytes: int
    events: tuple[Event, ...]
    leaves: bool


def webs_of(problem: Problem, order: Sequence[int]) -> tuple[Web, ...]:
    """Every tracked tensor in one web, webs by first tensor."""
    after, barred = _chains(problem, order)
    touched = _touches(problem, order)
    starts = set(range(len(problem.tensors))) - set(after.values())
    webs: list[Web] = []
    for start in sorted(starts):
        if not problem.tensors[start].tracked:
            continue
        chain = [start]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        stays_off = any(tensor in barred for tensor in chain)
        webs.append(
            Web(
                tuple(chain),
                max(problem.tensors[tensor].bytes for tensor in chain),
                () if stays_off else _events(chain, touched),
                problem.tensors[chain[-1]].kind == "output",
            )
        )
    return tuple(webs)


def lendings(problem: Problem, webs: Sequence[Web]) -> list[tuple[int, int]]:
    """Pairs (lender, heir) of webs: the heir, made whole by the step that reads the lender last,
    may take its bytes, as they are of one alias group (law 2's exception)."""
    made: dict[tuple[int, int], list[int]] = {}
    for index, web in enumerate(webs):
        group = problem.tensors[web.tensors[0]].alias_group
        if group is not None and web.events and web.events[0].reads is None:
            made.setdefault((web.events[0].step, group), []).append(index)
    pairs: list[tuple[int, int]] = []
    for index, web in enumerate(webs):
        group = problem.tensors[web.tensors[-1]].alias_group
        if group is not None and web.events and web.events[-1].writes is None:
            pairs += [(index, heir) for heir in made.get((web.events[-1].step, group), ())]
    return pairs


def _chains(problem: Problem, order: Sequence[int]) -> tuple[dict[int, int], set[int]]:
    """Per operand the result that lies upon it; and the tensors that have to stay off-chip."""
    after: dict[int, int] = {}
    barred: set[int] = set()
    for update in updates(problem, order):
        free = [t for t in update.operands if problem.tensors[t].tracked and t not in after]
        if free:
            after[free[0]] = update.result
        else:
            barred.update((*update.operands, update.result))
    return after, barred


Touch = tuple[int, int, bool]  # step, access, writes


def _touches(problem: Problem, order: Sequence[int]) -> list[list[Touch]]:
    """Per tensor its accesses by step."""
    touched: list[list[Touch]] = [[] for _ in problem.tensors]
    access = 0
    for step, operator in enumerate(order):
        node = problem.operators[operator]
        for ends, writes in ((node.inputs, False), (node.outputs, True)):
            for tensor in ends:
                touched[tensor].append((step, access, writes))
                access += 1
    return touched


def _events(chain: Sequence[int], touched: Sequence[Sequence[Touch]]) -> tuple[Event, ...]:
    reads: dict[int, tuple[int, int]] = {}
    writes: dict[int, tuple[int, int]] = {}
    for tensor in chain:
        for step, access, is_write in touched[tensor]:
            (writes if is_write else reads)[step] = (tensor, access)
    nobody = (None, -1)
    return tuple(
        Event(
            step,
            reads.get(step, nobody)[0],
            writes.get(step, nobody)[0],
            reads.get(step, nobody)[1],
            writes.get(step, nobody)[1],
        )
        for step in sorted({*reads, *writes})
    )
