"""The uses of the tracked tensors under one order as flat arrays: what `greedy` computes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.lifetimes import Lifetimes
from cosmalloc.problem import Problem

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def rounded(size: int, alignment: int) -> int:
    """`size` rounded up to a multiple of `alignment`."""
    return -(-size // alignment) * alignment


@dataclass(frozen=True)
class Uses:
    """One row per use of a tracked tensor, sorted by tensor, then step. Row u and row u + 1 are
    joined by link u.

    tensor, step, accessed: int64[U], whose use, when, and how many bytes the operator touches.
    produces: bool[U], the use makes the tensor. last: bool[U], no use of this tensor follows (and
    no link).
    begin: int64[T + 1], rows of tensor t are [begin[t], begin[t + 1]); none if untracked or unused.
    bytes, size: int64[T], bytes of every tensor and the same rounded up to the alignment.
    made, output: bool[T], an operator produces it; it must end off-chip.
    """

    problem: Problem
    life: Lifetimes
    tensor: Ints
    step: Ints
    accessed: Ints
    produces: Bools
    last: Bools
    begin: Ints
    bytes: Ints
    size: Ints
    made: Bools
    output: Bools

    @property
    def steps(self) -> int:
        return len(self.life.order)

    @property
    def capacity(self) -> int:
        """Bytes for rounded sizes: the topmost buffer may lose its rounding to the outside."""
        target = self.problem.target
        return rounded(target.scratchpad_bytes, target.alignment)

    @property
    def gap(self) -> Ints:
        """int64[U]: steps strictly between the two uses of a link; 0 at last uses."""
        return np.where(self.last, 0, np.roll(self.step, -1) - self.step - 1)

    def rows_of(self, tensor: int) -> slice:
        """The rows of one tensor."""
        return slice(int(self.begin[tensor]), int(self.begin[tensor + 1]))

    def per_tensor(self, amount: Ints) -> Ints:
        """int64[T]: amounts given per row, summed over the rows of each tensor."""
        total = np.zeros(len(self.bytes), np.int64)
        np.add.at(total, self.tensor, amount)
        return total


def uses_of(problem: Problem, life: Lifetimes) -> Uses:
    """The rows of `problem` under the order of `life`."""
    tensors: list[int] = []
    steps: list[int] = []
    accessed: list[int] = []
    produces: list[bool] = []
    tracked = [tensor.tracked for tensor in problem.tensors]
    for at, index in enumerate(life.order):
        operator = problem.operators[index]
        for ends, counts, makes in (
            (operator.inputs, operator.input_bytes_accessed, False),
            (operator.outputs, operator.output_bytes_accessed, True),
        ):
            for tensor, count in zip(ends, counts, strict=True):
                if tracked[tensor]:
                    tensors.append(tensor)
                    steps.append(at)
                    accessed.append(count)
                    produces.append(makes)
    of = np.array(tensors, np.int64)
    rows = np.argsort(of, kind="stable")
    of = of[rows]
    sizes = np.array([each.bytes for each in problem.tensors], np.int64)
    align = problem.target.alignment
    return Uses(
        problem,
        life,
        of,
        np.array(steps, np.int64)[rows],
        np.array(accessed, np.int64)[rows],
        np.array(produces, np.bool_)[rows],
        np.append(of[1:] != of[:-1], True)[: len(of)],
        np.searchsorted(of, np.arange(len(sizes) + 1)).astype(np.int64),
        sizes,
        -(-sizes // align) * align,
        np.array(life.produced, np.bool_),
        np.array([each.kind == "output" for each in problem.tensors], np.bool_),
    )
