"""A problem: operators, the tensors between them and the machine they run on.

A problem is a fact about a program; an answer to it is a `Plan`. Every value here is frozen and
checked when it is made, so whoever holds a `Problem` holds a well-formed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from cosmalloc.errors import InputError
from cosmalloc.target import Target

TensorKind = Literal["input", "weight", "intermediate", "output"]
TENSOR_KINDS: tuple[TensorKind, ...] = get_args(TensorKind)
MAX_BYTES = 2**40  # of one tensor: sums of a million tensors stay inside int64
MAX_ACCESSED = 2**53  # bytes of one tensor that one operator accesses, in all its trips
MAX_FLOPS = 2**63 - 1
MAX_SECONDS = 1e15  # of one operator: sums stay finite


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value with a size.

    bytes: at least 1, at most 2**40.
    kind: `input` and `weight` lie off-chip when the program starts; `output` must end there.
    tracked: False for a tensor that streams past the scratchpad (bandwidth, no space).
    alias_group: tensors of one group may hold the same bytes, where one is made from the other
        in place.
    """

    name: str
    bytes: int
    kind: TensorKind = "intermediate"
    tracked: bool = True
    alias_group: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.bytes <= MAX_BYTES:
            raise InputError(f"tensor `{self.name}` has {self.bytes} bytes, not 1 to {MAX_BYTES}")
        if self.kind not in TENSOR_KINDS:
            raise InputError(
                f"tensor `{self.name}` has kind `{self.kind}`",
                f"use one of {', '.join(TENSOR_KINDS)}",
            )


@dataclass(frozen=True, slots=True)
class Operator:
    """One node of the schedule.

    inputs, outputs: tensor indices; a tensor stands at most once in each.
    input_bytes_accessed: int per input, bytes read of it (a slice reads what it reads).
    output_bytes_accessed: int per output, bytes written to it.
    compute_seconds: time of the arithmetic alone, None where only `flops` is known.
    flops: arithmetic operations, None where unknown.
    location: where it stands in the source, "" where unknown; for people, no part of the problem.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_bytes_accessed: tuple[int, ...]
    output_bytes_accessed: tuple[int, ...]
    compute_seconds: float | None = None
    flops: int | None = None
    location: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        place = f"operator `{self.name}`"
        for ends, accessed, word in (
            (self.inputs, self.input_bytes_accessed, "input"),
            (self.outputs, self.output_bytes_accessed, "output"),
        ):
            if len(ends) != len(accessed):
                raise InputError(
                    f"{place} has {len(ends)} {word}s, {len(accessed)} of {word} bytes accessed"
                )
            if len(set(ends)) != len(ends):
                raise InputError(f"{place} names one tensor twice among its {word}s")
            if any(b < 0 for b in accessed):
                raise InputError(f"{place} has negative {word} bytes accessed")
            if any(b > MAX_ACCESSED for b in accessed):
                raise InputError(f"{place} has more than {MAX_ACCESSED} {word} bytes accessed")
        if self.compute_seconds is not None and not 0 <= self.compute_seconds <= MAX_SECONDS:
            raise InputError(f"{place} has compute_seconds {self.compute_seconds}")
        if self.flops is not None and not 0 <= self.flops <= MAX_FLOPS:
            raise InputError(f"{place} has flops {self.flops}")


@dataclass(frozen=True)
class Problem:
    """Operators in source order, tensors, and a target.

    The source order need not be a legal one; an order exists, or construction fails and names a
    cycle.
    """

    name: str
    target: Target
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        _check_ends(self)
        _check_acyclic(self)

    @cached_property
    def producer(self) -> tuple[int | None, ...]:
        """Per tensor the operator that produces it, None for inputs and weights."""
        made: list[int | None] = [None] * len(self.tensors)
        for index, operator in enumerate(self.operators):
            for tensor in operator.outputs:
                made[tensor] = index
        return tuple(made)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """Per tensor the operators that read it, in source order."""
        read: list[list[int]] = [[] for _ in self.tensors]
        for index, operator in enumerate(self.operators):
            for tensor in operator.inputs:
                read[tensor].append(index)
        return tuple(map(tuple, read))

    def predecessors(self, operator: int) -> Iterator[int]:
        """The operators that produce what `operator` reads; one may come twice."""
        for tensor in self.operators[operator].inputs:
            made = self.producer[tensor]
            if made is not None:
                yield made


def _check_ends(problem: Problem) -> None:
    made: dict[int, int] = {}
    for index, operator in enumerate(problem.operators):
        for tensor in (*operator.inputs, *operator.outputs):
            if not 0 <= tensor < len(problem.tensors):
                raise InputError(
                    f"operator {index} (`{operator.name}`) names tensor {tensor},"
                    f" the problem has {len(problem.tensors)}"
                )
        for tensor in operator.outputs:
            if tensor in made:
                raise InputError(
                    f"tensor {tensor} (`{problem.tensors[tensor].name}`) is produced by operator"
                    f" {made[tensor]} and by operator {index}"
                )
            made[tensor] = index
    for index, tensor_ in enumerate(problem.tensors):
        if (tensor_.kind in ("input", "weight")) == (index in made):
            fact = "is produced by an operator" if index in made else "is produced by no operator"
            raise InputError(f"tensor {index} (`{tensor_.name}`) is an {tensor_.kind} and {fact}")


def _check_acyclic(problem: Problem) -> None:
    waiting = [0] * len(problem.operators)
    for index in range(len(problem.operators)):
        waiting[index] = sum(1 for _ in problem.predecessors(index))
    ready = [index for index, count in enumerate(waiting) if count == 0]
    done = 0
    while ready:
        index = ready.pop()
        done += 1
        for tensor in problem.operators[index].outputs:
            for reader in problem.readers[tensor]:
                waiting[reader] -= 1
                if waiting[reader] == 0:
                    ready.append(reader)
    if done < len(problem.operators):
        stuck = next(index for index, count in enumerate(waiting) if count > 0)
        name = problem.operators[stuck].name
        raise InputError(f"operator {stuck} (`{name}`) is part of or behind a cycle of operators")
