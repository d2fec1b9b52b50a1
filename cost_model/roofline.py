"""The analytical seconds of arithmetic, and the place where another cost model plugs in.

    (1)  compute = (flops + weight * transcendentals) / flops_per_second
    (2)  operator = max(compute, off-chip seconds + on-chip seconds)          in `cosmalloc.seconds`

flops_per_second is the target's peak rate; weight says how many operations one exponential, root or
sine is worth on the machine, 1 where nothing is known. (1) is a lower bound: no kernel reaches the
peak, so a roofline underestimates compute-bound operators. A learned model answers the same
question from the same facts; it replaces (1), never the rules of the copy queue.

Williams, Waterman, Patterson: "Roofline: an insightful visual performance model", CACM 52(4), 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.target import Target


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a cost model may know of one operator.

    flops: a multiply-add counts 2. transcendentals: counted apart from flops.
    read, written: bytes accessed per input and per output.
    """

    name: str
    kind: str
    flops: int
    transcendentals: int
    read: tuple[int, ...]
    written: tuple[int, ...]


class CostModel(Protocol):
    """Seconds of arithmetic per kernel, of the kernels' length. Memory's share is added by (2)."""

    def seconds(self, kernels: Sequence[Kernel]) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Roofline:
    """(1) as a cost model. weight: operations that one transcendental is worth."""

    target: Target
    weight: float = 1.0

    def seconds(self, kernels: Sequence[Kernel]) -> list[float]:
        return [
            compute_seconds(k.flops, self.target, k.transcendentals, self.weight) for k in kernels
        ]


def compute_seconds(
    flops: int, target: Target, transcendentals: int = 0, weight: float = 1.0
) -> float:
    """(1). InputError for a target without a rate."""
    if target.flops_per_second is None:
        raise InputError(
            f"target `{target.name}` has no flops_per_second",
            "add `flops_per_second` to the target, or give every operator compute_seconds",
        )
    return (flops + weight * transcendentals) / target.flops_per_second


def kernels_of(problem: Problem) -> list[Kernel]:
    """The operators as a cost model sees them; InputError where one has no flops."""
    kernels = []
    for index, node in enumerate(problem.operators):
        if node.flops is None:
            raise InputError(
                f"operator {index} (`{node.name}`) has no flops",
                "give every operator flops, or compute_seconds and no cost model",
            )
        read, written = node.input_bytes_accessed, node.output_bytes_accessed
        kernels.append(Kernel(node.name, node.kind, node.flops, 0, read, written))
    return kernels


def with_seconds(problem: Problem, model: CostModel) -> Problem:
    """The problem with every operator's compute_seconds said by the model."""
    seconds = model.seconds(kernels_of(problem))
    operators = tuple(
        replace(node, compute_seconds=each)
        for node, each in zip(problem.operators, seconds, strict=True)
    )
    return replace(problem, operators=operators)
