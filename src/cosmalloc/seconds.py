"""The analytical seconds of operators and copies.

An operator takes
    (1)  seconds = max(compute, off_chip + on_chip)
    (2)  off_chip = off-chip bytes read / off-chip read bandwidth + the same for writes
    (3)  on_chip = on-chip bytes read / on-chip read bandwidth + the same for writes
where an operand's bytes accessed count as on-chip if the tensor is on chip in its step. A copy
takes bytes / off-chip bandwidth of its direction. This is the cost model of XLA's memory space
assignment (openxla/xla, xla/service/memory_space_assignment/cost_analysis.cc).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cosmalloc.errors import InputError
from cosmalloc.plan import Transfer
from cosmalloc.problem import Problem

Cost = Callable[[Problem, int], float]  # seconds of an operator's arithmetic alone
Where = Callable[[int], bool]  # whether a tensor is on chip


class OperatorSeconds(NamedTuple):
    """total: how long the operator runs; off_chip: how long it holds the channel meanwhile."""

    total: float
    off_chip: float


Rule = Callable[[Problem, int, Where, Cost], OperatorSeconds]  # `operator_seconds` is one


def compute_seconds(problem: Problem, operator: int) -> float:
    """The operator's own figure, or its flops at the target's rate. InputError if neither."""
    node = problem.operators[operator]
    if node.compute_seconds is not None:
        return node.compute_seconds
    rate = problem.target.flops_per_second
    if node.flops is not None and rate is not None:
        return node.flops / rate
    what = "flops" if node.flops is None else f"flops_per_second in target `{problem.target.name}`"
    raise InputError(
        f"operator {operator} (`{node.name}`) has no compute_seconds and no {what}",
        "give the operator compute_seconds, or flops and a target with flops_per_second",
    )


def operator_seconds(
    problem: Problem, operator: int, on_chip: Where, cost: Cost = compute_seconds
) -> OperatorSeconds:
    """(1), with `on_chip` asked for tracked tensors; untracked ones stream from off-chip."""
    target = problem.target
    node = problem.operators[operator]
    off = near = 0.0
    for ends, accessed, off_speed, near_speed in (
        (
            node.inputs,
            node.input_bytes_accessed,
            target.offchip_read_bytes_per_second,
            target.onchip_read_bytes_per_second,
        ),
        (
            node.outputs,
            node.output_bytes_accessed,
            target.offchip_write_bytes_per_second,
            target.onchip_write_bytes_per_second,
        ),
    ):
        for tensor, count in zip(ends, accessed, strict=True):
            if problem.tensors[tensor].tracked and on_chip(tensor):
                near += count / near_speed
            else:
                off += count / off_speed
    return OperatorSeconds(max(cost(problem, operator), off + near), off)


def copy_seconds(problem: Problem, transfer: Transfer) -> float:
    """Seconds of the whole channel that the copy needs."""
    size = problem.tensors[transfer.tensor].bytes
    target = problem.target
    if transfer.kind == "load":
        return size / target.offchip_read_bytes_per_second
    return size / target.offchip_write_bytes_per_second
