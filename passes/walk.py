"""Every operation below another, in text order."""

from __future__ import annotations

from collections.abc import Iterator

from jaxlib.mlir import ir


def operations(operation: ir.Operation) -> Iterator[ir.Operation]:
    """The operation itself, then those in its regions, at any depth."""
    yield operation
    for region in operation.regions:
        for block in region.blocks:
            for op in block:
                yield from operations(op.operation)
