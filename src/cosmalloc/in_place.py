"""Which operators update an operand in place: law 6 wants both ends of an update in one memory.

Operator o *updates* operand a in result r, under the operand rule `anywhere` and a given order, if

    (1)  a and r are of one alias group and r is tracked,
    (2)  o writes fewer bytes of r than r has: the others are a's,
    (3)  nobody wants a's old value: o is its last reader, and a is no output of the program.

Then r is made where a lies: both on chip at one offset, or neither on chip. Whoever wants them
apart copies a by a transfer of its own first. Where (3) fails, o makes a tensor of its own, and the
bytes accessed are what the problem says they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem


@dataclass(frozen=True, slots=True)
class Update:
    """At `step` the operator makes `result` out of one of `operands`, which are at least one."""

    step: int
    operator: int
    operands: tuple[int, ...]
    result: int


def updates(problem: Problem, order: Sequence[int]) -> tuple[Update, ...]:
    """All updates under `order`, by step; none under `resident`, which has both on chip anyway."""
    if problem.target.operand_rule == "resident":
        return ()
    partial = {o: some for o in order if (some := partly_written(problem, o))}
    if not partial:
        return ()
    last = {t: step for step, o in enumerate(order) for t in problem.operators[o].inputs}
    found: list[Update] = []
    for step, o in enumerate(order):
        for result in partial.get(o, ()):
            operands = tuple(t for t in lenders(problem, o, result) if last[t] == step)
            if operands:
                found.append(Update(step, o, operands, result))
    return tuple(found)


def updates_agree(problem: Problem, plan: Plan) -> bool:
    """Whether every update of an otherwise legal plan has both ends in one memory."""
    found = updates(problem, plan.order)
    if not found:
        return True
    here = Presence.of(plan)
    offset = {(stay.tensor, stay.start): stay.offset for stay in plan.residencies}

    def place(tensor: int, step: int) -> int | None:
        start = here.start(tensor, step)
        return None if start is None else offset[tensor, start]

    return all(
        any(place(t, each.step) == place(each.result, each.step) for t in each.operands)
        for each in found
    )


def partly_written(problem: Problem, operator: int) -> tuple[int, ...]:
    """(2): the operator's tracked results of an alias group that it does not write whole."""
    node, tensors = problem.operators[operator], problem.tensors
    return tuple(
        t
        for t, written in zip(node.outputs, node.output_bytes_accessed, strict=True)
        if tensors[t].tracked and tensors[t].alias_group is not None and written < tensors[t].bytes
    )


def lenders(problem: Problem, operator: int, result: int) -> tuple[int, ...]:
    """(1): the operator's operands in the result's alias group, without outputs (3)."""
    tensors = problem.tensors
    return tuple(
        t
        for t in problem.operators[operator].inputs
        if tensors[t].alias_group == tensors[result].alias_group and tensors[t].kind != "output"
    )
