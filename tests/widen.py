"""Legal plans made richer: copies that overlap operators, stays longer than needed.

Every change is checked by brute force against the plan's rectangles, never by the judge.
"""

from __future__ import annotations

import random
from dataclasses import replace

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem


def widened(problem: Problem, plan: Plan, seed: int) -> Plan:
    """A legal plan out of a legal one whose copies block."""
    dice = random.Random(seed)
    for index in dice.sample(range(len(plan.residencies)), len(plan.residencies)):
        stay = plan.residencies[index]
        stop = dice.randint(stay.stop, len(plan.order))
        longer = with_stay(plan, index, replace(stay, stop=stop))
        if is_free(problem, plan, stay, stay.stop, stop) and not overwritten(problem, plan, stay):
            plan = longer if updates_agree(problem, longer) else plan
    for index in dice.sample(range(len(plan.transfers)), len(plan.transfers)):
        copy = plan.transfers[index]
        widen = _wider_load if copy.kind == "load" else _wider_store
        wider = widen(problem, plan, index, dice)
        plan = wider if updates_agree(problem, wider) else plan
    return plan


def updates_agree(problem: Problem, plan: Plan) -> bool:
    """Whether every operand updated in place lies where the result is made."""
    return all(
        any(_place(plan, operand, step) == _place(plan, result, step) for operand in operands)
        for step, operands, result in updates_in_place(problem, plan)
    )


def updates_in_place(problem: Problem, plan: Plan) -> list[tuple[int, list[int], int]]:
    """(step, operands, result) where an operator writes part of a result in the alias group of
    operands that nobody wants afterwards."""
    found = []
    for step, index in enumerate(plan.order):
        node = problem.operators[index]
        for result, written in zip(node.outputs, node.output_bytes_accessed, strict=True):
            entry = problem.tensors[result]
            if problem.target.operand_rule == "resident" or entry.alias_group is None:
                continue
            operands = [
                t
                for t in node.inputs
                if problem.tensors[t].alias_group == entry.alias_group
                and problem.tensors[t].kind != "output"
                and not any(t in problem.operators[o].inputs for o in plan.order[step + 1 :])
            ]
            if entry.tracked and written < entry.bytes and operands:
                found.append((step, operands, result))
    return found


def _place(plan: Plan, tensor: int, step: int) -> int | None:
    """The offset at which the tensor is whole in the step, None if it is off-chip."""
    for stay in plan.residencies:
        loads = [
            copy.stop
            for copy in plan.transfers
            if (copy.kind, copy.tensor, copy.start) == ("load", tensor, stay.start)
        ]
        here = stay.tensor == tensor and stay.start <= step < stay.stop
        if here and min(loads, default=0) <= step:
            return stay.offset
    return None


def is_free(problem: Problem, plan: Plan, stay: Residency, start: int, stop: int) -> bool:
    """Whether nobody else has the stay's bytes, and its tensor no other stay, in [start, stop)."""
    return not any(
        other is not stay
        and other.start < stop
        and start < other.stop
        and (other.tensor == stay.tensor or share_bytes(problem, stay, other))
        for other in plan.residencies
    )


def share_bytes(problem: Problem, one: Residency, two: Residency) -> bool:
    """Whether the two overlap in bytes."""
    return (
        one.offset < two.offset + problem.tensors[two.tensor].bytes
        and two.offset < one.offset + problem.tensors[one.tensor].bytes
    )


def overwritten(problem: Problem, plan: Plan, stay: Residency) -> bool:
    """Whether a result takes its bytes in place in the stay's last step."""
    last = problem.operators[plan.order[stay.stop - 1]]
    return stay.tensor in last.inputs and any(
        other.start == stay.stop - 1
        and other.tensor in last.outputs
        and share_bytes(problem, stay, other)
        for other in plan.residencies
    )


def valid_from(problem: Problem, plan: Plan, tensor: int) -> int | None:
    """First border at which the off-chip copy is valid."""
    made_by = problem.producer[tensor]
    if made_by is None:
        return 0
    made_at = plan.order.index(made_by)
    borders = [c.stop for c in plan.transfers if c.kind == "store" and c.tensor == tensor]
    starts = [r.start for r in plan.residencies if r.tensor == tensor]
    if problem.target.operand_rule == "anywhere" and made_at not in starts:
        borders.append(made_at + 1)
    return min(borders, default=None)


def covers(plan: Plan, tensor: int, step: int) -> bool:
    """Whether a residency of the tensor has the step."""
    return any(r.tensor == tensor and r.start <= step < r.stop for r in plan.residencies)


def off_chip_needs(problem: Problem, plan: Plan, tensor: int) -> list[int]:
    """Borders at which a load or an operator reads the off-chip copy."""
    loads = [c.start for c in plan.transfers if c.kind == "load" and c.tensor == tensor]
    return loads + [
        step
        for step, operator in enumerate(plan.order)
        if tensor in problem.operators[operator].inputs and not covers(plan, tensor, step)
    ]


def with_stay(plan: Plan, index: int, stay: Residency) -> Plan:
    """The plan with one residency replaced."""
    stays = list(plan.residencies)
    stays[index] = stay
    return replace(plan, residencies=tuple(stays))


def with_copy(plan: Plan, index: int, copy: Transfer) -> Plan:
    """The plan with one transfer replaced."""
    copies = list(plan.transfers)
    copies[index] = copy
    return replace(plan, transfers=tuple(copies))


def _wider_load(problem: Problem, plan: Plan, index: int, dice: random.Random) -> Plan:
    load = plan.transfers[index]
    place = next(
        i
        for i, stay in enumerate(plan.residencies)
        if stay.tensor == load.tensor and stay.start == load.start
    )
    stay = plan.residencies[place]
    valid = valid_from(problem, plan, load.tensor)
    assert valid is not None
    starts = range(valid, load.start + 1)
    start = dice.choice([s for s in starts if is_free(problem, plan, stay, s, load.start)])
    plan = with_stay(plan, place, replace(stay, start=start))
    return with_copy(plan, index, replace(load, start=start, stop=dice.randint(start, load.stop)))


def _wider_store(problem: Problem, plan: Plan, index: int, dice: random.Random) -> Plan:
    store = plan.transfers[index]
    stay = next(
        r for r in plan.residencies if r.tensor == store.tensor and r.start < store.start <= r.stop
    )
    loads = [c.stop for c in plan.transfers if c.kind == "load" and c.tensor == store.tensor]
    ready = max([stop for stop in loads if stop <= store.start], default=0)
    start = dice.randint(max(stay.start + 1, ready), store.start)
    latest = min(
        [stay.stop - overwritten(problem, plan, stay), *off_chip_needs(problem, plan, store.tensor)]
    )
    return with_copy(plan, index, replace(store, start=start, stop=dice.randint(start, latest)))
