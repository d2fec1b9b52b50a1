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

from cosmalloc.passes.rules.rule import Pairs, Value

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
        for view in block.operations:
            op = view.operation
            found.update((operand, None) for operand in op.operands if operand not in known)
            known.update(op.results)
            for nested in op.regions:
                _collect(nested, known, found)


@dataclass
class Flow:
    """One run of a block, filled by `flow` and only read afterwards."""

    flops: int = 0
    transcendentals: int = 0
    inside: int = 0  # bytes read and written of values born here and not returned
    read: dict[Value, int] = field(default_factory=dict)  # bytes per argument or outer value
    returned: list[int] = field(default_factory=list)  # bytes written per returned value
    _origin: dict[Value, Value] = field(default_factory=dict)  # views: the value they show
    _born: set[Value] = field(default_factory=set)
    _written: dict[Value, int] = field(default_factory=dict)  # bytes, of values not yet returned

    def view(self, op: ir.Operation, pairs: Pairs) -> None:
        for result, operand in pairs:
            shown = op.operands[operand]
            self._origin[op.results[result]] = self._origin.get(shown, shown)

    def work(self, rules: Rules, op: ir.Operation) -> None:
        cost = rules.cost(op)
        self.flops += cost.flops
        self.transcendentals += cost.transcendentals
        self.inside += cost.inside
        for value, count in zip((*op.operands, *captures(op)), cost.read, strict=True):
            self._reads(self._origin.get(value, value), count)
        self._born.update(op.results)
        self._written.update(zip(op.results, cost.written, strict=True))

    def end(self, rules: Rules, block: ir.Block, op: ir.Operation) -> None:
        arguments = list(block.arguments)
        for index, value in enumerate(op.operands):
            source = self._origin.get(value, value)
            if source in self._written:
                self.returned.append(self._written.pop(source))
            elif index < len(arguments) and source == arguments[index]:
                self.returned.append(0)
            else:
                copied = rules.tensor_bytes(value.type)
                self._reads(source, copied)
                self.returned.append(copied)
        self.inside += sum(self._written.values())

    def _reads(self, value: Value, count: int) -> None:
        if value in self._born:
            self.inside += count
        else:
            self.read[value] = self.read.get(value, 0) + count


def flow(rules: Rules, block: ir.Block) -> Flow:
    """Costs of the block's operations in order; the last one returns."""
    total = Flow()
    operations = [view.operation for view in block.operations]
    for op in operations[:-1]:
        pairs = rules.views(op)
        if pairs:
            total.view(op, pairs)
        else:
            total.work(rules, op)
    total.end(rules, block, operations[-1])
    return total
