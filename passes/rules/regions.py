"""What flows through a region: costs summed, bytes attributed to the values that come from outside.

A byte that an operation inside reads counts for the region's argument or the outer value it comes
from, seen through views, or as `inside` where the value was born within. Bytes written to a value
that the region returns count for that result; an argument returned in its own place costs nothing,
in another place a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jaxlib.mlir import ir

from cosmalloc.passes.rules.rule import Value

if TYPE_CHECKING:
    from cosmalloc.passes.rules.facade import Rules


def captures(op: ir.OpView | ir.Operation) -> tuple[Value, ...]:
    """Outer values that the operation's regions use, without its operands: once each, in order."""
    op = op.operation
    regions = op.regions
    if len(regions) == 0:
        return ()
    known = set(op.operands)
    found: dict[Value, None] = {}
    for region in regions:
        _collect(region, known, found)
    return tuple(found)


def _collect(region: ir.Region, known: set[Value], found: dict[Value, None]) -> None:
    for block in region.blocks:
        known.update(block.arguments)
        for op in block.operations:
            inner = op.operation
            for operand in inner.operands:
                if operand not in known:
                    found[operand] = None
            known.update(inner.results)
            for nested in inner.regions:
                _collect(nested, known, found)


@dataclass
class Flow:
    """One run of a block. Mutable only while `flow` fills it."""

    flops: int = 0
    transcendentals: int = 0
    inside: int = 0
    read: dict[Value, int] = field(default_factory=dict)  # bytes per argument or outer value
    returned: list[int] = field(default_factory=list)  # bytes written per returned value


def flow(rules: Rules, block: ir.Block) -> Flow:
    """Costs of the block's operations in order; the last one returns."""
    total = Flow()
    origin: dict[Value, Value] = {}  # views: the value they show
    written: dict[Value, int] = {}  # born here: bytes written to it
    operations = list(block.operations)
    for view in operations[:-1]:
        op = view.operation
        shown = rules.views(op)
        for result, operand in shown:
            origin[op.results[result]] = origin.get(op.operands[operand], op.operands[operand])
        if not shown:
            _add(total, rules, op, origin, written)
        else:
            written.update((value, 0) for value in op.results if value not in origin)
    _finish(total, rules, block, operations[-1].operation, origin, written)
    return total


def _add(
    total: Flow,
    rules: Rules,
    op: ir.Operation,
    origin: dict[Value, Value],
    written: dict[Value, int],
) -> None:
    cost = rules.cost(op)
    total.flops += cost.flops
    total.transcendentals += cost.transcendentals
    total.inside += cost.inside
    sources = (*op.operands, *captures(op))
    for value, count in zip(sources, cost.read, strict=True):
        value = origin.get(value, value)
        if value in written:
            total.inside += count
        else:
            total.read[value] = total.read.get(value, 0) + count
    written.update(zip(op.results, cost.written, strict=True))


def _finish(
    total: Flow,
    rules: Rules,
    block: ir.Block,
    end: ir.Operation,
    origin: dict[Value, Value],
    written: dict[Value, int],
) -> None:
    arguments = list(block.arguments)
    for index, value in enumerate(end.operands):
        source = origin.get(value, value)
        if source in written:
            total.returned.append(written.pop(source))
        elif index < len(arguments) and source == arguments[index]:
            total.returned.append(0)
        else:
            copied = rules.tensor_bytes(value.type)
            total.read[source] = total.read.get(source, 0) + copied
            total.returned.append(copied)
    total.inside += sum(written.values())
