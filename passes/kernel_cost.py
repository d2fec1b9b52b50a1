"""What one kernel costs: its operations' costs, seen from its arguments and results.

flops       = sum over operations of flops + transcendentals
read(a)     = min(bytes(a), sum over operations that read a, through views, of the bytes they read)
written(r)  = bytes that the operation that makes r writes
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxlib.mlir import ir

from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_state import storage
from cosmalloc.passes.rules import Cost, Rules
from cosmalloc.passes.workspace import workspace_bytes


@dataclass(frozen=True, slots=True)
class KernelCost:
    """read: bytes per input; written: bytes per result.

    in_place: (result, input) pairs that may share storage, bytes counted as if they did.
    workspace: bytes on chip beside inputs and results while it runs; inside: bytes read and written
        of them.
    """

    flops: int
    read: tuple[int, ...]
    written: tuple[int, ...]
    in_place: tuple[tuple[int, int], ...]
    workspace: int = 0
    inside: int = 0


def operation_cost(operation: ir.Operation, rules: Rules, alignment: int) -> KernelCost:
    """Cost of a single operation that is an operator by itself; captures count as inputs."""
    cost = rules.cost(operation)
    work = workspace_bytes(operation, rules, alignment) if operation.regions else 0
    return KernelCost(
        cost.flops + cost.transcendentals,
        cost.read,
        cost.written,
        rules.in_place(operation),
        work,
        cost.inside,
    )


def kernel_cost(function: ir.Operation, rules: Rules, alignment: int) -> KernelCost:
    """Cost of a kernel function."""
    flow = dataflow(function.regions[0].blocks[0], rules)
    costs = [rules.cost(operation) for operation in flow.operations]
    works = [
        workspace_bytes(op, rules, alignment)
        for op, role in zip(flow.operations, flow.roles, strict=True)
        if role == "control"
    ]
    return KernelCost(
        flops=sum(cost.flops + cost.transcendentals for cost in costs),
        read=_read(flow, costs, rules),
        written=tuple(_written(flow, costs, rules, value) for value in flow.returned),
        in_place=_in_place(flow, rules),
        workspace=max(works, default=0),
        inside=sum(cost.inside for cost in costs),
    )


def _read(flow: Dataflow, costs: list[Cost], rules: Rules) -> tuple[int, ...]:
    needed = [0] * len(flow.made_by)
    for operation in range(len(flow.operations) - 1, -1, -1):
        reads, results = flow.reads[operation], flow.results[operation]
        if flow.roles[operation] == "view":
            for result, operand in rules.views(flow.operations[operation]):
                needed[reads[operand]] += needed[results[result]]
        else:
            for value, count in zip(reads, costs[operation].read, strict=True):
                needed[value] += count
    return tuple(
        min(rules.tensor_bytes(flow.handles[value].type), needed[value])
        for value in range(flow.outside)
    )


def _written(flow: Dataflow, costs: list[Cost], rules: Rules, value: int) -> int:
    base = storage(flow, rules, value)
    maker = flow.made_by[base]
    if maker < 0 or flow.operations[maker].name == "stablehlo.constant":
        return rules.tensor_bytes(flow.handles[value].type)
    return costs[maker].written[flow.results[maker].index(base)]


def _in_place(flow: Dataflow, rules: Rules) -> tuple[tuple[int, int], ...]:
    returned = [storage(flow, rules, value) for value in flow.returned]
    pairs = []
    for operation in range(len(flow.operations)):
        for result, operand in rules.in_place(flow.operations[operation]):
            made = flow.results[operation][result]
            base = storage(flow, rules, flow.reads[operation][operand])
            if made in returned and base < flow.outside:
                pairs.append((returned.index(made), base))
    return tuple(pairs)
