"""`dma-to-copies`: `memref.dma_start` and `memref.dma_wait` as `memref.copy`.

For machines without a DMA engine, and to run a program on the CPU. The copy happens at the wait,
the latest moment at which a DMA engine may have moved the bytes, or at the start, the earliest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.nested import inside
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.rules import where

Moment = Literal["wait", "start"]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class DmaToCopies(ModulePass):
    """at: `wait` or `start`."""

    argument: ClassVar[str] = "dma-to-copies"
    at: Moment = "wait"

    def run(self, module: ir.Operation) -> None:
        if self.at not in ("wait", "start"):
            raise InputError(f"`at` is `{self.at}`", "use `wait` or `start`")
        started: dict[Key, ir.Operation] = {}
        for operation in list(inside(module)):
            if operation.name == "memref.dma_start":
                key = _start_tag(operation)
                if key in started:
                    raise InputError(f"{where(operation)} takes the tag of one not waited for yet")
                started[key] = operation
            elif operation.name == "memref.dma_wait":
                key = tuple(operation.operands)[:-1]
                if key not in started:
                    raise InputError(f"{where(operation)} waits for a tag that none started")
                start = started.pop(key)
                _copy(start, operation if self.at == "wait" else start)
                operation.erase()
                start.erase()
        if started:
            raise InputError(f"{where(next(iter(started.values())))} is never waited for")


def _start_tag(operation: ir.Operation) -> Key:
    """The tag and its indices, which stand behind the number of elements."""
    _, rest = _ends(operation)
    return tuple(rest[1:])


def _ends(operation: ir.Operation) -> tuple[list[ir.Value[Any]], list[ir.Value[Any]]]:
    """(source and goal) and what stands behind them. Raises InputError for a part of a buffer."""
    operands = list(operation.operands)
    ends: list[ir.Value[Any]] = []
    for _ in range(2):
        end = operands.pop(0)
        rank = ir.MemRefType(end.type).rank
        indices, operands = operands[:rank], operands[rank:]
        if any(_number(index) != 0 for index in indices):
            raise InputError(f"{where(operation)} moves a part of a buffer", "take a subview first")
        ends.append(end)
    source, goal = (ir.MemRefType(end.type) for end in ends)
    count = 1
    for size in source.shape:
        count *= size
    tagged = len(operands) >= 2 and ir.MemRefType(operands[1].type).rank == len(operands) - 2
    if not tagged or list(source.shape) != list(goal.shape) or _number(operands[0]) != count:
        raise InputError(f"{where(operation)} moves a part of a buffer", "take a subview first")
    return ends, operands


def _number(value: ir.Value[Any]) -> int | None:
    """What an `arith.constant` says."""
    owner = value.owner
    if isinstance(owner, ir.Block) or owner.name != "arith.constant":
        return None
    return int(ir.IntegerAttr(owner.attributes["value"]).value)


def _copy(start: ir.Operation, before: ir.Operation) -> None:
    (source, goal), _ = _ends(start)
    ir.Operation.create(
        "memref.copy",
        operands=[source, goal],
        loc=start.location,
        ip=ir.InsertionPoint(before),
    )
