"""`drop-barriers`: optimization barriers go, for the plan decides the order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from jaxlib.mlir import ir

from cosmalloc.passes.pass_base import ModulePass


@dataclass(frozen=True)
class DropBarriers(ModulePass):
    """Replace every `stablehlo.optimization_barrier` by its operands."""

    argument: ClassVar[str] = "drop-barriers"

    def run(self, module: ir.Operation) -> None:
        for barrier in list(_barriers(module)):
            for result, operand in zip(barrier.results, list(barrier.operands), strict=True):
                result.replace_all_uses_with(operand)
            barrier.erase()


def _barriers(operation: ir.Operation) -> Iterator[ir.Operation]:
    for region in operation.regions:
        for block in region.blocks:
            for op in block:
                yield from _barriers(op.operation)
                if op.operation.name == "stablehlo.optimization_barrier":
                    yield op.operation
