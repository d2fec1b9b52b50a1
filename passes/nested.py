"""Walking into regions."""

from __future__ import annotations

from collections.abc import Iterator

from jaxlib.mlir import ir


def inside(operation: ir.Operation) -> Iterator[ir.Operation]:
    """Every operation in the regions of one."""
    for region in operation.regions:
        for block in region.blocks:
            for op in block:
                yield op.operation
                yield from inside(op.operation)
