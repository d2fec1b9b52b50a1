"""A mapped module back as problem and plan, whether its transfers are a table or operations yet."""

from __future__ import annotations

from dataclasses import dataclass

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import attributes as mem
from cosmalloc.passes.program import Program, extract
from cosmalloc.passes.reading import Reading
from cosmalloc.passes.rules import where
from cosmalloc.passes.strip_memory import is_transfer
from cosmalloc.plan import Outcome, Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.target import Target


@dataclass(frozen=True)
class MappedProgram:
    """A program in the IR with the plan that stands on it."""

    program: Program
    reading: Reading
    outcome: Outcome


def read_plan(module: ir.Module) -> tuple[Problem, Outcome]:
    """Problem and outcome of a mapped module. Raises InputError."""
    with module.context, ir.Location.unknown():
        found = read_program(module.operation)
    return found.program.problem, found.outcome


def read_program(module: ir.Operation) -> MappedProgram:
    """The same with handles into the module, whose context must be entered."""
    given = module.attributes
    for key in (mem.FORMAT, mem.PROBLEM, mem.TARGET, mem.READING, mem.OUTCOME):
        if key not in given:
            raise InputError(
                f"the module has no attribute `{key}`", "map it with `map-memory` first"
            )
    if ir.StringAttr(given[mem.FORMAT]).value != mem.FORMAT_VERSION:
        raise InputError(
            f"the module has `{mem.FORMAT}` {given[mem.FORMAT]}, not {mem.FORMAT_VERSION}"
        )
    target = mem.to_value(Target, given[mem.TARGET], mem.TARGET)
    reading = mem.to_value(Reading, given[mem.READING], mem.READING)
    name = ir.StringAttr(given[mem.PROBLEM]).value
    program = extract(module, target, reading, name)
    outcome = Outcome(problem=name, plan=_plan(program), **mem.to_dictionary(given[mem.OUTCOME]))
    return MappedProgram(program, reading, outcome)


def _plan(program: Program) -> Plan:
    body = [op.operation for op in program.main.regions[0].blocks[0]]
    marks = [op.attributes[mem.OPERATOR] for op in body if mem.OPERATOR in op.attributes]
    order = tuple(ir.IntegerAttr(mark).value for mark in marks)
    if sorted(order) != list(range(len(program.operations))):
        raise InputError(f"the module's operators carry `{mem.OPERATOR}` {sorted(order)[:9]} …")
    residencies: list[Residency] = []
    for step, operator in enumerate(order):
        handle = program.operations[operator]
        offsets, stops = (_per_result(handle, key) for key in (mem.OFFSETS, mem.STOPS))
        made = program.problem.operators[operator].outputs
        for tensor, offset, stop in zip(made, offsets, stops, strict=True):
            if offset >= 0:
                residencies.append(Residency(tensor, offset, step, stop))
    transfers: list[Transfer] = []
    for tensor, store, start, stop, offset, until in _transfer_rows(program, body):
        transfers.append(Transfer(tensor, "store" if store else "load", start, stop))
        if not store:
            residencies.append(Residency(tensor, offset, start, until))
    return Plan(order, tuple(sorted(residencies)), tuple(transfers))


def _per_result(handle: ir.Operation, key: str) -> list[int]:
    if key not in handle.attributes:
        raise InputError(f"{where(handle)} has no attribute `{key}`")
    return mem.to_integers(handle.attributes[key])


def _transfer_rows(program: Program, body: list[ir.Operation]) -> list[list[int]]:
    """[tensor, store?, start, stop, offset, until] in the order of issue."""
    if mem.TRANSFERS in program.main.attributes:
        return mem.to_table(program.main.attributes[mem.TRANSFERS])
    rows = []
    for operation in body:
        if is_transfer(operation):
            name = ir.StringAttr(operation.attributes["call_target_name"]).value
            numbers = mem.to_dictionary(operation.attributes["backend_config"])
            stay = [numbers.get("offset", -1), numbers.get("until", -1)]
            tensor = program.tensors[operation.operands[0]]
            rows.append([tensor, int(name == mem.STORE), numbers["start"], numbers["stop"], *stay])
    return rows
