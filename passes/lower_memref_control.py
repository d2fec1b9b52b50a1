"""StableHLO's control flow as `scf`, for kernels on their way to linalg.

while      scf.while; the condition's tensor<i1> is read
if         scf.if
case       scf.index_switch; what is out of range takes the last branch
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.passes.nested import inside

_KINDS = ("stablehlo.while", "stablehlo.if", "stablehlo.case")


def control_to_scf(module: ir.Operation) -> None:
    """Replace the control flow in a module, whose context must be entered, the innermost first."""
    for operation in reversed([op for op in inside(module) if op.name in _KINDS]):
        with operation.location, ir.InsertionPoint(operation):
            new = _WRITERS[operation.name](operation)
        for old, value in zip(operation.results, new.results, strict=True):
            old.replace_all_uses_with(value)
        operation.erase()


def _while(operation: ir.Operation) -> ir.Operation:
    kinds = [value.type for value in operation.operands]
    new = ir.Operation.create(
        "scf.while", results=kinds, operands=list(operation.operands), regions=2
    )
    for region, home in zip(operation.regions, new.regions, strict=True):
        region.blocks[0].append_to(home)
    before, after = (region.blocks[0] for region in new.regions)
    (condition,) = _end(before)
    with ir.InsertionPoint(before):
        truth = _scalar(condition)
        ir.Operation.create("scf.condition", operands=[truth, *before.arguments])
    _yield(after, _end(after))
    return new


def _if(operation: ir.Operation) -> ir.Operation:
    kinds = [value.type for value in operation.results]
    truth = _scalar(operation.operands[0])
    new = ir.Operation.create("scf.if", results=kinds, operands=[truth], regions=2)
    _branches(operation, new, range(2))
    return new


def _case(operation: ir.Operation) -> ir.Operation:
    kinds = [value.type for value in operation.results]
    index = _make("arith.index_cast", [_scalar(operation.operands[0])], ir.IndexType.get())
    count = len(operation.regions)
    new = ir.Operation.create(
        "scf.index_switch",
        results=kinds,
        operands=[index],
        attributes={"cases": ir.DenseI64ArrayAttr.get(list(range(count - 1)))},
        regions=count,
    )
    _branches(operation, new, [count - 1, *range(count - 1)])  # the default comes first
    return new


_WRITERS = {"stablehlo.while": _while, "stablehlo.if": _if, "stablehlo.case": _case}


def _branches(operation: ir.Operation, new: ir.Operation, order: Sequence[int]) -> None:
    blocks = [operation.regions[place].blocks[0] for place in order]
    for block, home in zip(blocks, new.regions, strict=True):
        block.append_to(home)
        _yield(block, _end(block))


def _end(block: ir.Block) -> list[ir.Value[Any]]:
    """What a block returns; its terminator is gone then."""
    terminator = block.operations[len(block.operations) - 1].operation
    values = list(terminator.operands)
    terminator.erase()
    return values


def _yield(block: ir.Block, values: list[ir.Value[Any]]) -> None:
    ir.Operation.create("scf.yield", operands=values, ip=ir.InsertionPoint(block))


def _scalar(value: ir.Value[Any]) -> ir.Value[Any]:
    """The element of a tensor without dimensions."""
    return _make("tensor.extract", [value], ir.RankedTensorType(value.type).element_type)


def _make(name: str, operands: list[ir.Value[Any]], kind: ir.Type) -> ir.Value[Any]:
    result: ir.Value[Any] = ir.Operation.create(name, results=[kind], operands=operands).results[0]
    return result
