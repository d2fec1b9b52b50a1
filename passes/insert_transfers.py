"""`insert-transfers`: the planned copies as operations.

    %on  = stablehlo.custom_call @mem.load(%off)   {offset, start, stop, until}
    %off = stablehlo.custom_call @mem.store(%on)   {start, stop}

A load's result is the tensor on chip, a store's result is the tensor off-chip: who reads which says
where it reads. Each stands on the border before step `start`, blocking stores first, then blocking
loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import attributes as mem
from cosmalloc.passes import context
from cosmalloc.passes.group_operators import rename
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.plan_in import MappedProgram, read_program
from cosmalloc.passes.plan_out import canonical
from cosmalloc.passes.program import Program, reads
from cosmalloc.plan import Plan, Transfer
from cosmalloc.verify import verify


@dataclass(frozen=True)
class InsertTransfers(ModulePass):
    """Turn the table that `map-memory` left into operations."""

    argument: ClassVar[str] = "insert-transfers"

    def run(self, module: ir.Operation) -> None:
        if mem.TRANSFERS not in context.entry(module).attributes:
            raise InputError("the module has no planned transfers", "run `map-memory` first")
        mapped = read_program(module)
        plan = legal_plan(mapped)
        insert_transfers(mapped.program, plan)


def legal_plan(mapped: MappedProgram) -> Plan:
    """The plan that stands on a module. Raises InputError where it has faults."""
    plan = mapped.outcome.plan
    assert plan is not None
    faults = verify(mapped.program.problem, plan)
    if faults:
        raise InputError(
            f"the plan on the module has {len(faults)} faults, the first: {faults[0]}",
            "map it again: `strip-memory,map-memory,insert-transfers`",
        )
    return plan


def insert_transfers(program: Program, plan: Plan) -> None:
    """The same for a legal plan that `annotate` has just written onto `program`."""
    _Writer(program, canonical(plan)).write()
    del program.main.attributes[mem.TRANSFERS]


@dataclass
class _Writer:
    program: Program
    plan: Plan
    chip: dict[int, ir.Value[Any]] = field(default_factory=dict)  # tensor -> its value on chip
    home: dict[int, ir.Value[Any]] = field(default_factory=dict)  # tensor -> its value off-chip

    def write(self) -> None:
        program, plan = self.program, self.plan
        block = program.main.regions[0].blocks[0]
        body = [op.operation for op in block]
        storage = {value: t for value, t in program.tensors.items() if not _is_view(value)}
        for value, tensor in storage.items():
            self.home[tensor] = value
        self.begun = {(r.tensor, r.start): r for r in plan.residencies}
        self.ready = _readiness(plan)
        borders: dict[int, list[Transfer]] = {}
        for transfer in plan.transfers:
            borders.setdefault(transfer.start, []).append(transfer)
        for step, operator in enumerate(plan.order):
            operation = program.operations[operator]
            for transfer in borders.get(step, ()):
                self._transfer(transfer, operation)
            self._redirect(operation, step)
            made = program.problem.operators[operator].outputs  # a workspace last, no result
            for tensor, result in zip(made, operation.results, strict=False):
                self.home[tensor] = self.chip[tensor] = result
        terminator = body[-1]
        for transfer in borders.get(len(plan.order), ()):
            self._transfer(transfer, terminator)
        self._redirect(terminator, len(plan.order) + 1)
        for view in reversed(body[:-1]):  # views that nobody looks through any more
            if view.results and _is_view(view.results[0]) and not any(view.results[0].uses):
                view.erase()

    def _transfer(self, transfer: Transfer, before: ir.Operation) -> None:
        numbers = {"start": transfer.start, "stop": transfer.stop}
        if transfer.kind == "load":
            stay = self.begun[transfer.tensor, transfer.start]
            numbers |= {"offset": stay.offset, "until": stay.stop}
            source, name = self.home[transfer.tensor], mem.LOAD
        else:
            source, name = self.chip[transfer.tensor], mem.STORE
        call = ir.Operation.create(
            "stablehlo.custom_call",
            results=[source.type],
            operands=[source],
            attributes={
                "call_target_name": ir.StringAttr.get(name),
                "api_version": ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 4),
                "backend_config": mem.dictionary(numbers),
            },
            loc=before.location,
            ip=ir.InsertionPoint(before),
        )
        (self.chip if transfer.kind == "load" else self.home)[transfer.tensor] = call.results[0]

    def _redirect(self, operation: ir.Operation, step: int) -> None:
        """Let `operation` read every tensor where the plan has it at `step`."""
        renamed: dict[ir.Value[Any], ir.Value[Any]] = {}
        for value in dict.fromkeys(reads(operation)):
            tensor = self.program.tensors[value]
            on_chip = any(start <= step < stop for start, stop in self.ready.get(tensor, ()))
            now = self.chip[tensor] if on_chip else self.home[tensor]
            renamed[value] = self._viewed(value, now, operation)
        rename(operation, renamed)

    def _viewed(
        self, value: ir.Value[Any], now: ir.Value[Any], before: ir.Operation
    ) -> ir.Value[Any]:
        """`value` seen through its views from the tensor's present value `now`."""
        if not _is_view(value):
            return now
        maker = value.owner
        assert isinstance(maker, ir.OpView)
        base = self._viewed(maker.operands[0], now, before)
        if base == maker.operands[0]:
            return value
        clone = maker.clone(ip=ir.InsertionPoint(before)).operation
        clone.operands[0] = base
        seen: ir.Value[Any] = clone.results[0]
        return seen


def _is_view(value: ir.Value[Any]) -> bool:
    owner = value.owner
    if isinstance(owner, ir.Block):
        return False
    return (
        owner.name not in ("func.call", "stablehlo.constant")
        and mem.OPERATOR not in owner.attributes
    )


def _readiness(plan: Plan) -> dict[int, list[tuple[int, int]]]:
    """Per tensor the steps [from, to) at which operators may read it on chip."""
    complete = {(t.tensor, t.start): t.stop for t in plan.transfers if t.kind == "load"}
    found: dict[int, list[tuple[int, int]]] = {}
    for stay in plan.residencies:
        start = complete.get((stay.tensor, stay.start), stay.start)
        found.setdefault(stay.tensor, []).append((start, stay.stop))
    return found
