"""The seconds of every step under a choice, and what the steps leave of the off-chip channel.

    (1)  seconds(s) = max(compute(s), off(s) + near(s))
    (2)  idle(s)    = seconds(s) - off(s)

off(s), near(s): bytes accessed / bandwidth, summed over the operands and results that are off-chip
or on chip. Untracked tensors are always off-chip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.prices import Floats
from cosmalloc.greedy.uses import Bools, Uses
from cosmalloc.seconds import Cost, compute_seconds


@dataclass(frozen=True)
class Roofline:
    """compute, stream: float64[steps], seconds of arithmetic and of untracked tensors' bytes.
    off, near: float64[U], seconds of each use if the tensor is off-chip or on chip."""

    uses: Uses
    compute: Floats
    stream: Floats
    off: Floats
    near: Floats

    @classmethod
    def of(cls, uses: Uses, cost: Cost = compute_seconds) -> Roofline:
        """InputError where an operator has no seconds."""
        target = uses.problem.target
        off_read, off_write = (
            target.offchip_read_bytes_per_second,
            target.offchip_write_bytes_per_second,
        )
        near_read, near_write = (
            target.onchip_read_bytes_per_second,
            target.onchip_write_bytes_per_second,
        )
        return cls(
            uses,
            np.array([cost(uses.problem, o) for o in uses.life.order], np.float64),
            _stream_seconds(uses),
            uses.accessed / np.where(uses.produces, off_write, off_read),
            uses.accessed / np.where(uses.produces, near_write, near_read),
        )

    def off_seconds(self, on: Bools) -> Floats:
        """float64[steps]: off(s)."""
        total = self.stream.copy()
        np.add.at(total, self.uses.step, np.where(on, 0.0, self.off))
        return total

    def moving_seconds(self, on: Bools) -> Floats:
        """float64[steps]: off(s) + near(s)."""
        total = self.off_seconds(on)
        np.add.at(total, self.uses.step, np.where(on, self.near, 0.0))
        return total

    def seconds(self, on: Bools) -> Floats:
        """float64[steps]: (1)."""
        return np.maximum(self.compute, self.moving_seconds(on))

    def idle(self, on: Bools) -> Floats:
        """float64[steps]: (2)."""
        left: Floats = np.maximum(0.0, self.seconds(on) - self.off_seconds(on))
        return left


def _stream_seconds(uses: Uses) -> Floats:
    problem, target = uses.problem, uses.problem.target
    total = np.zeros(uses.steps, np.float64)
    for step, index in enumerate(uses.life.order):
        operator = problem.operators[index]
        for ends, accessed, speed in (
            (operator.inputs, operator.input_bytes_accessed, target.offchip_read_bytes_per_second),
            (
                operator.outputs,
                operator.output_bytes_accessed,
                target.offchip_write_bytes_per_second,
            ),
        ):
            for tensor, count in zip(ends, accessed, strict=True):
                if not problem.tensors[tensor].tracked:
                    total[step] += count / speed
    return total
