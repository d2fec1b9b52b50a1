"""A plan written onto the operators: order, steps, offsets, and the table of transfers to come.

mem.operator, mem.step      on every operator: its source index and its step
mem.seconds                 its compute_seconds, where it has a figure of its own
mem.offsets, mem.stops      per result (workspace last): offset and stop of the residency that
                            begins where it is made; -1 where there is none
mem.transfers               on `main`: rows [tensor, store?, start, stop, offset, until], offset
                            and until of the residency that a load begins; `insert-transfers`
                            turns them into operations
"""

from __future__ import annotations

import dataclasses

from jaxlib.mlir import ir

from cosmalloc.emit.walk import in_issue_order
from cosmalloc.passes import attributes as mem
from cosmalloc.passes.program import Program
from cosmalloc.passes.reading import Reading
from cosmalloc.plan import Outcome, Plan, Residency, Transfer


def annotate(program: Program, reading: Reading, outcome: Outcome) -> None:
    """Bring the operators into plan order and write the plan onto them.

    outcome: with a plan. Must run inside the module's context.
    """
    plan, problem = outcome.plan, program.problem
    assert plan is not None
    step_of = {operator: step for step, operator in enumerate(plan.order)}
    begun = {(r.tensor, r.start): r for r in plan.residencies}
    for index, handle in enumerate(program.operations):
        step = step_of[index]
        made = [begun.get((tensor, step)) for tensor in problem.operators[index].outputs]
        handle.attributes[mem.OPERATOR] = mem.integer(index)
        handle.attributes[mem.STEP] = mem.integer(step)
        compute = problem.operators[index].compute_seconds
        if compute is not None:
            handle.attributes[mem.SECONDS] = mem.real(compute)
        handle.attributes[mem.OFFSETS] = mem.integers([r.offset if r else -1 for r in made])
        handle.attributes[mem.STOPS] = mem.integers([r.stop if r else -1 for r in made])
    _reorder(program, plan.order)
    rows = [_row(transfer, begun) for transfer in in_issue_order(plan.transfers)]
    program.main.attributes[mem.TRANSFERS] = mem.table(rows, 6)
    module = program.module.attributes
    module[mem.FORMAT] = ir.StringAttr.get(mem.FORMAT_VERSION)
    module[mem.PROBLEM] = ir.StringAttr.get(problem.name)
    module[mem.TARGET] = mem.dictionary(dataclasses.asdict(problem.target))
    module[mem.READING] = mem.dictionary(dataclasses.asdict(reading))
    module[mem.OUTCOME] = mem.dictionary(
        {
            "solver": outcome.solver,
            "status": outcome.status,
            "objective": outcome.objective,
            "value": _float(outcome.value),
            "bound": _float(outcome.bound),
        }
    )
    if outcome.configuration is not None:
        module[mem.CONFIGURATION] = mem.dictionary(dataclasses.asdict(outcome.configuration))


def canonical(plan: Plan) -> Plan:
    """The same plan with residencies sorted and transfers in the order in which they are issued."""
    return Plan(plan.order, tuple(sorted(plan.residencies)), tuple(in_issue_order(plan.transfers)))


def _row(transfer: Transfer, begun: dict[tuple[int, int], Residency]) -> list[int]:
    head = [transfer.tensor, int(transfer.kind == "store"), transfer.start, transfer.stop]
    if transfer.kind == "store":
        return [*head, -1, -1]
    stay = begun[transfer.tensor, transfer.start]
    return [*head, stay.offset, stay.stop]


def _reorder(program: Program, order: tuple[int, ...]) -> None:
    block = program.main.regions[0].blocks[0]
    body = [op.operation for op in block]
    terminator = body[-1]
    for operator in order:
        program.operations[operator].move_before(terminator)
    first = program.operations[order[0]] if order else terminator
    for view in body[:-1]:
        if mem.OPERATOR in view.attributes or view.name == "stablehlo.constant":
            continue
        maker = view.operands[0].owner
        if isinstance(maker, ir.Block):
            view.move_before(first)
        else:
            view.move_after(maker)


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
