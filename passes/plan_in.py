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
from cosmalloc.plan import Configuration, Outcome, Plan, Residency, Transfer
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
    found = mem.to_word(given[mem.FORMAT], mem.FORMAT)
    if found != mem.FORMAT_VERSION:
        raise InputError(
            f"the module has `{mem.FORMAT}` `{found}`", f"this version reads `{mem.FORMAT_VERSION}`"
        )
    target = mem.to_value(Target, given[mem.TARGET], mem.TARGET)
    reading = mem.to_value(Reading, given[mem.READING], mem.READING)
    name = mem.to_word(given[mem.PROBLEM], mem.PROBLEM)
    program = extract(module, target, reading, name)
    plan = _plan(program)
    asked = None
    if mem.CONFIGURATION in given:
        asked = mem.to_value(Configuration, given[mem.CONFIGURATION], mem.CONFIGURATION)
    outcome = mem.to_value(
        Outcome,
        given[mem.OUTCOME],
        mem.OUTCOME,
        problem=name,
        plan=plan,
        configuration=asked,
    )
    return MappedProgram(program, reading, outcome)


def _plan(program: Program) -> Plan:
    body = [op.operation for op in program.main.regions[0].blocks[0]]
    order = _order(program, body)
    residencies: list[Residency] = []
    for step, operator in enumerate(order):
        handle = program.operations[operator]
        made = program.problem.operators[operator].outputs
        offsets, stops = (_per_result(handle, key, len(made)) for key in (mem.OFFSETS, mem.STOPS))
        for tensor, offset, stop in zip(made, offsets, stops, strict=True):
            if offset >= 0:
                residencies.append(Residency(tensor, offset, step, stop))
    transfers: list[Transfer] = []
    for tensor, store, start, stop, offset, until in _transfer_rows(program, body):
        if not 0 <= tensor < len(program.problem.tensors):
            raise InputError(
                f"`{mem.TRANSFERS}` names tensor {tensor},"
                f" the program has {len(program.problem.tensors)}"
            )
        transfers.append(Transfer(tensor, "store" if store else "load", start, stop))
        if not store:
            residencies.append(Residency(tensor, offset, start, until))
    return Plan(order, tuple(sorted(residencies)), tuple(transfers))


def _order(program: Program, body: list[ir.Operation]) -> tuple[int, ...]:
    """The operator of every step, as the operators stand."""
    marked = [op for op in body if mem.OPERATOR in op.attributes]
    order = tuple(mem.to_integer(op.attributes[mem.OPERATOR], mem.OPERATOR) for op in marked)
    if sorted(order) != list(range(len(program.operations))):
        raise InputError(
            f"the module's {len(program.operations)} operators carry `{mem.OPERATOR}`"
            f" {', '.join(map(str, sorted(order)[:9]))}, not each of 0 to"
            f" {len(program.operations) - 1} once"
        )
    for step, operation in enumerate(marked):
        told = mem.to_integer(_needed(operation, mem.STEP), mem.STEP)
        if told != step:
            raise InputError(
                f"{where(operation)} stands at step {step} and carries `{mem.STEP}` {told}",
                "the operators were moved after mapping: map the module again",
            )
    return order


def _per_result(handle: ir.Operation, key: str, count: int) -> list[int]:
    return mem.to_integers(_needed(handle, key), key, count)


def _needed(handle: ir.Operation, key: str) -> ir.Attribute:
    if key not in handle.attributes:
        raise InputError(f"{where(handle)} has no attribute `{key}`")
    return handle.attributes[key]


def _transfer_rows(program: Program, body: list[ir.Operation]) -> list[list[int]]:
    """[tensor, store?, start, stop, offset, until] in the order of issue."""
    if mem.TRANSFERS in program.main.attributes:
        return mem.to_table(program.main.attributes[mem.TRANSFERS], mem.TRANSFERS, 6)
    rows = []
    for operation in body:
        if is_transfer(operation):
            name = ir.StringAttr(operation.attributes["call_target_name"]).value
            tensor = program.tensors[operation.operands[0]]
            if name == mem.LOAD:
                numbers = _numbers(operation, name, ("start", "stop", "offset", "until"))
                rows.append([tensor, 0, *numbers])
            else:
                rows.append([tensor, 1, *_numbers(operation, name, ("start", "stop")), -1, -1])
    return rows


def _numbers(operation: ir.Operation, name: str, keys: tuple[str, ...]) -> list[int]:
    """Integers out of the `backend_config` of a transfer called `name`."""
    if "backend_config" not in operation.attributes:
        raise InputError(f"{where(operation)} has no backend_config")
    found = mem.entries(operation.attributes["backend_config"], name)
    for key in keys:
        if key not in found:
            raise InputError(f"{where(operation)} lacks `{key}` in its backend_config")
    return [mem.to_integer(found[key], f"{name}.{key}") for key in keys]
