"""`jax.checkpoint` is kept: what it computes again stays apart from what was computed first.

JAX puts an optimization barrier with many operands in front of what is computed again; without it
the two would be found equal and made one. A barrier with one operand tells them apart as well, and
nobody who reads one operand depends on the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from jaxlib.mlir import ir

BARRIER = "stablehlo.optimization_barrier"


def split_barriers(module: ir.Operation) -> None:
    """Make every barrier one of a single operand."""
    for barrier in list(_barriers(module)):
        point = ir.InsertionPoint(barrier)
        for result, operand in zip(barrier.results, list(barrier.operands), strict=True):
            alone = ir.Operation.create(
                BARRIER, results=[result.type], operands=[operand], loc=barrier.location, ip=point
            )
            result.replace_all_uses_with(alone.results[0])
        barrier.erase()


def _barriers(operation: ir.Operation) -> Iterator[ir.Operation]:
    for region in operation.regions:
        for block in region.blocks:
            for op in block:
                yield from _barriers(op.operation)
                if op.operation.name == BARRIER and len(op.operation.results) > 1:
                    yield op.operation
