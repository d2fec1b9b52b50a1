"""Black boxes: operators that nobody here knows, which read their operands and write their results.

`--allow-opaque` marks them with `mem.opaque`; a marked operation has no arithmetic that we know of,
all bytes of its operands and results, and joins no kernel. An operation of a dialect that is not
loaded becomes a `stablehlo.custom_call` of its name first.
"""

from __future__ import annotations

from collections import Counter

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import attributes as mem
from cosmalloc.passes.diagnostics import listening
from cosmalloc.passes.rules.location import where
from cosmalloc.passes.rules.table import find
from cosmalloc.passes.walk import operations

PREFIX = "opaque."  # of the targets that stand for operations of other forms


def mark_opaque(module: ir.Operation) -> None:
    """Mark every operation without a rule. Raises InputError for one that holds regions."""
    with module.context, ir.Location.unknown():
        _mark(module)


def _mark(module: ir.Operation) -> None:
    for operation in list(operations(module)):
        if not module.context.is_registered_operation(operation.name):
            operation = _call(operation)
        elif not _unknown(operation):
            continue
        operation.attributes[mem.OPAQUE] = ir.UnitAttr.get(module.context)


def black_boxes(module: ir.Operation) -> dict[str, int]:
    """How often each black box stands in a module, by name."""
    found = (op for op in operations(module) if mem.OPAQUE in op.attributes)
    return dict(Counter(map(_name, found)))


def _name(operation: ir.Operation) -> str:
    if operation.name != "stablehlo.custom_call":
        return str(operation.name)
    return ir.StringAttr(operation.attributes["call_target_name"]).value.removeprefix(PREFIX)


def _unknown(operation: ir.Operation) -> bool:
    if operation.name != "stablehlo.custom_call" or mem.OPAQUE in operation.attributes:
        return False
    try:
        find(operation)
    except InputError as error:
        return "whose cost is unknown" in error.fact
    return False


def _call(operation: ir.Operation) -> ir.Operation:
    """A custom call in the place of an operation of an unknown dialect."""
    if len(operation.regions) or len(operation.successors):
        raise InputError(
            f"{where(operation)} is not known and holds regions, so it is no black box"
        )
    call = ir.Operation.create(
        "stablehlo.custom_call",
        results=[value.type for value in operation.results],
        operands=list(operation.operands),
        attributes={"call_target_name": ir.StringAttr.get(PREFIX + operation.name)},
        loc=operation.location,
        ip=ir.InsertionPoint(operation),
    )
    if not _sound(call):
        call.erase()
        raise InputError(
            f"{where(operation)} is not known, and no black box either: not all of its operands and"
            " results are tensors"
        )
    for old, new in zip(operation.results, call.results, strict=True):
        old.replace_all_uses_with(new)
    operation.erase()
    return call


def _sound(call: ir.Operation) -> bool:
    """Whether StableHLO takes operands and results of these types."""
    with listening(call.context):
        try:
            return bool(call.verify())
        except ir.MLIRError:
            return False
