"""What of the device's memory is taken before anything is planned, and the problem that is left.

    reserved = arguments on the device + constants + results on the device - donated and taken
    scratchpad = device_bytes - reserved

XLA holds a program's arguments and results for as long as it runs; a donated argument serves as a
result of its shape and type. Tensors that are reserved are not tracked: they need no room and no
copies. Everything else is planned: what the function makes in between, arguments and results in
host memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cosmalloc.jax.arguments import Signature
from cosmalloc.jax.machine import device
from cosmalloc.jax.traced import Traced, Value
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import Target


@dataclass(frozen=True)
class Budget:
    """problem: what is planned, its scratchpad what `device_bytes` leaves (0 where it is too
    little). reserved: bytes. stored: tensors whose host copy is a result."""

    problem: Problem
    reserved: int
    stored: frozenset[int]


def budget(
    traced: Traced,
    signature: Signature,
    to_host: Sequence[bool],
    device_bytes: int,
    machine: str | Path | Target | None,
) -> Budget:
    """to_host: per leaf of the results whether it shall end in host memory. InputError."""
    stored = frozenset(_stored(traced, to_host))
    taken = set(traced.constants)
    taken |= {i for i, host in enumerate(signature.host) if not host}
    for tensor, entry in enumerate(traced.problem.tensors):
        if entry.kind == "output" and tensor not in stored:
            taken.add(tensor)
    reserved = _reserved(traced, signature, to_host)
    target = device(machine, max(0, device_bytes - reserved))
    tensors = tuple(_tensor(e, t in taken) for t, e in enumerate(traced.problem.tensors))
    operators = tuple(_operator(o, taken, target) for o in traced.problem.operators)
    return Budget(Problem(traced.problem.name, target, tensors, operators), reserved, stored)


def _stored(traced: Traced, to_host: Sequence[bool]) -> set[int]:
    """Tensors that leave as they are, to host memory and nowhere else."""
    wanted: dict[int, bool] = {}
    for value, host in zip(traced.returned, to_host, strict=True):
        for tensor in tensors_of(value):
            plain = isinstance(value, int) and host
            wanted[tensor] = wanted.get(tensor, True) and plain
    made = traced.problem.producer
    return {tensor for tensor, host in wanted.items() if host and made[tensor] is not None}


def tensors_of(value: Value) -> tuple[int, ...]:
    """The tensors that a value is made of."""
    if isinstance(value, int):
        return (value,)
    return tuple(tensor for operand in value.operands for tensor in tensors_of(operand))


def _reserved(traced: Traced, signature: Signature, to_host: Sequence[bool]) -> int:
    taken = sum(array.nbytes for array in traced.constants.values())
    offered: Counter[tuple[tuple[int, ...], object]] = Counter()
    for leaf, host, donated in zip(
        signature.leaves, signature.host, signature.donated, strict=True
    ):
        if not host:
            taken += leaf.bytes
            offered[leaf.shape, leaf.dtype] += donated
    at_home = _stored(traced, to_host) | {i for i, host in enumerate(signature.host) if host}
    for value, shape, host in zip(traced.returned, traced.shapes, to_host, strict=True):
        if host and value in at_home:
            continue
        size = shape.size * shape.dtype.itemsize
        if offered[shape.shape, shape.dtype] and not host:
            offered[shape.shape, shape.dtype] -= 1
        else:
            taken += size
    return taken


def _tensor(entry: Tensor, reserved: bool) -> Tensor:
    return replace(entry, tracked=False, alias_group=None) if reserved else entry


def _operator(operator: Operator, taken: set[int], target: Target) -> Operator:
    """Reserved operands are read at the device's own speed: they are part of the arithmetic."""
    speeds = target.onchip_read_bytes_per_second, target.onchip_write_bytes_per_second
    near = 0.0
    columns = []
    for ends, counts, speed in (
        (operator.inputs, operator.input_bytes_accessed, speeds[0]),
        (operator.outputs, operator.output_bytes_accessed, speeds[1]),
    ):
        pairs = list(zip(ends, counts, strict=True))
        near += sum(count for tensor, count in pairs if tensor in taken) / speed
        columns.append(tuple(0 if tensor in taken else count for tensor, count in pairs))
    flops = (operator.flops or 0) / (target.flops_per_second or float("inf"))
    return replace(
        operator,
        input_bytes_accessed=columns[0],
        output_bytes_accessed=columns[1],
        compute_seconds=max(near, flops),
    )
