"""A block of operations as plain lists: what reads what, without touching MLIR again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.passes.rules import Role, Rules, captures


@dataclass(frozen=True)
class Dataflow:
    """A block without its terminator.

    Values are numbered: first what comes from outside (block arguments, then values captured from
    around the block), then the results of each operation in turn.

    operations: N handles; roles: role of each; reads: values each reads (operands, then captures),
        repeats kept; results: values each makes; made_by: per value its operation, -1 from outside.
    returned: values the terminator names. types: MLIR type per value.
    """

    operations: tuple[ir.Operation, ...]
    roles: tuple[Role, ...]
    reads: tuple[tuple[int, ...], ...]
    results: tuple[tuple[int, ...], ...]
    made_by: tuple[int, ...]
    returned: tuple[int, ...]
    handles: tuple[ir.Value[Any], ...]
    outside: int

    @cached_property
    def users(self) -> tuple[tuple[int, ...], ...]:
        """Per value the operations that read it, in order; N stands for the terminator."""
        found: list[list[int]] = [[] for _ in self.made_by]
        for index, values in enumerate(self.reads):
            for value in dict.fromkeys(values):
                found[value].append(index)
        for value in dict.fromkeys(self.returned):
            found[value].append(len(self.operations))
        return tuple(map(tuple, found))


def dataflow(block: ir.Block, rules: Rules) -> Dataflow:
    """Number the values of `block`."""
    operations = [op.operation for op in block]
    terminator = operations.pop()
    number: dict[ir.Value[Any], int] = {}
    handles: list[ir.Value[Any]] = []

    def add(value: ir.Value[Any]) -> int:
        number[value] = len(handles)
        handles.append(value)
        return number[value]

    inner = {result for op in operations for result in op.results}
    reads = [
        (*op.operands, *captures(op)) if op.regions else tuple(op.operands) for op in operations
    ]
    for argument in block.arguments:
        add(argument)
    for value in (*(v for values in reads for v in values), *terminator.operands):
        if value not in inner and value not in number:
            add(value)
    outside = len(handles)
    results = tuple(tuple(add(result) for result in op.results) for op in operations)
    made_by = [-1] * len(handles)
    for index, made in enumerate(results):
        for value_number in made:
            made_by[value_number] = index
    return Dataflow(
        operations=tuple(operations),
        roles=tuple(rules.role(op) for op in operations),
        reads=tuple(tuple(number[v] for v in values) for values in reads),
        results=results,
        made_by=tuple(made_by),
        returned=tuple(number[v] for v in terminator.operands),
        handles=tuple(handles),
        outside=outside,
    )
