"""What a plan is worth, and what no plan can beat.

Bounds, for every legal plan of a problem:
    traffic  0
    peak     the largest working set: what one operator needs on chip at once, with results laid
             over operands of their alias group, every size rounded up to the alignment but one
    latency  (1) the sum of the operators' seconds with every operand where it is read fastest, or
             (2) the channel seconds that nobody can avoid, whichever is more
"""

from __future__ import annotations

from cosmalloc.errors import InputError
from cosmalloc.plan import Objective, Plan
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds
from cosmalloc.simulate import simulate
from cosmalloc.traffic import peak, traffic
from cosmalloc.working_set import working_set_bytes


def objective_value(
    problem: Problem, plan: Plan, kind: Objective, cost: Cost = compute_seconds
) -> float:
    """Bytes for `traffic` and `peak`, seconds for `latency`, of a legal plan.

    InputError where `peak` is asked of a plan that moves more than compulsory bytes.
    """
    if kind == "latency":
        return simulate(problem, plan, cost).latency
    extra = traffic(problem, plan).non_compulsory
    if kind == "traffic":
        return extra
    if extra:
        raise InputError(
            f"the plan moves {extra} non-compulsory bytes, objective `peak` allows none",
            "ask for objective `traffic` or `latency`, or give more scratchpad",
        )
    return peak(problem, plan)


def bound(problem: Problem, kind: Objective, cost: Cost = compute_seconds) -> float:
    """No legal plan has less."""
    if kind == "traffic":
        return 0
    if kind == "peak":
        return max(
            (working_set_bytes(problem, o) for o in range(len(problem.operators))), default=0
        )
    return max(_busy_seconds(problem, cost), _channel_seconds(problem))


def _busy_seconds(problem: Problem, cost: Cost) -> float:
    """(1)"""
    total = 0.0
    for index, node in enumerate(problem.operators):
        moving = 0.0
        for tensor, count in zip(node.inputs, node.input_bytes_accessed, strict=True):
            moving += count / _best_speed(problem, tensor, "read")
        for tensor, count in zip(node.outputs, node.output_bytes_accessed, strict=True):
            moving += count / _best_speed(problem, tensor, "write")
        total += max(cost(problem, index), moving)
    return total


def _best_speed(problem: Problem, tensor: int, direction: str) -> float:
    target = problem.target
    off, near = (
        getattr(target, f"{place}_{direction}_bytes_per_second") for place in ("offchip", "onchip")
    )
    if not problem.tensors[tensor].tracked:
        return float(off)
    return float(near if target.operand_rule == "resident" else max(near, off))


def _channel_seconds(problem: Problem) -> float:
    """(2): streams of untracked tensors, and for each tracked input read, output written, the least
    of one copy and, `anywhere`, of direct access alone."""
    read, written = _accessed(problem)
    seconds = 0.0
    for index, tensor in enumerate(problem.tensors):
        reads, writes = read[index], written[index]
        if tensor.tracked:
            anywhere = problem.target.operand_rule == "anywhere"
            needs_read = tensor.kind in ("input", "weight") and bool(problem.readers[index])
            reads = (min(reads, tensor.bytes) if anywhere else tensor.bytes) if needs_read else 0
            ends_off_chip = tensor.kind == "output"
            writes = (min(writes, tensor.bytes) if anywhere else tensor.bytes) * ends_off_chip
        seconds += reads / problem.target.offchip_read_bytes_per_second
        seconds += writes / problem.target.offchip_write_bytes_per_second
    return seconds


def _accessed(problem: Problem) -> tuple[list[int], list[int]]:
    """Per tensor the bytes that all operators read of it and write to it."""
    read, written = [0] * len(problem.tensors), [0] * len(problem.tensors)
    for node in problem.operators:
        for tensor, count in zip(node.inputs, node.input_bytes_accessed, strict=True):
            read[tensor] += count
        for tensor, count in zip(node.outputs, node.output_bytes_accessed, strict=True):
            written[tensor] += count
    return read, written
