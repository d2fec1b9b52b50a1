"""The clock, compiled: `cosmalloc.simulate` for one program in one order, many times a second.

    fast = FastClock(problem)            # or FastClock(problem, order)
    fast.latency(plan)                   # seconds, as simulate(problem, plan).latency
    fast.timeline(plan)                  # as simulate(problem, plan)

A plan in another order is refused: the order is what the arrays are laid out for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds, copy_seconds
from cosmalloc.simulate import Timeline


class FastClock:
    """The arrays of one problem in one order.

    compute: float64[n], seconds of each step's arithmetic. first: int64[n + 1], the accesses of
    step s are [first[s], first[s + 1]), operands first. off, near: float64[accesses], seconds
    off-chip and on chip.
    """

    def __init__(
        self,
        problem: Problem,
        order: Sequence[int] | None = None,
        cost: Cost = compute_seconds,
    ) -> None:
        """InputError for an operator without seconds."""
        self.problem = problem
        self.order = tuple(source_order(problem) if order is None else order)
        target = problem.target
        speeds = (
            (target.offchip_read_bytes_per_second, target.onchip_read_bytes_per_second),
            (target.offchip_write_bytes_per_second, target.onchip_write_bytes_per_second),
        )
        self._touches: dict[int, tuple[list[int], list[int]]] = {}  # steps, accesses
        off: list[float] = []
        near: list[float] = []
        first = [0]
        for step, operator in enumerate(self.order):
            node = problem.operators[operator]
            for (far_speed, near_speed), ends, accessed in zip(
                speeds,
                (node.inputs, node.outputs),
                (node.input_bytes_accessed, node.output_bytes_accessed),
                strict=True,
            ):
                for tensor, count in zip(ends, accessed, strict=True):
                    if problem.tensors[tensor].tracked:
                        steps, accesses = self._touches.setdefault(tensor, ([], []))
                        steps.append(step)
                        accesses.append(len(off))
                    off.append(count / far_speed)
                    near.append(count / near_speed)
            first.append(len(off))
        self.compute = np.array([cost(problem, operator) for operator in self.order], np.float64)
        self.first = np.array(first, np.int64)
        self.off, self.near = np.array(off, np.float64), np.array(near, np.float64)

    def raw(self, plan: Plan) -> _native.Clock:
        """A compiled clock that holds the plan. InputError for a plan in another order."""
        if plan.order != self.order:
            raise InputError(
                "the plan's order is not the clock's", "make a FastClock for the plan's order"
            )
        clock = _native.Clock(
            self.compute, self.first, self.off, self.near, self.problem.target.copy_engines
        )
        clock.set_all_near(self.flags(plan))
        copies = plan.transfers
        try:
            clock.add_all(
                np.array([copy.kind == "load" for copy in copies], np.int64),
                np.array([copy_seconds(self.problem, copy) for copy in copies], np.float64),
                np.array([copy.start for copy in copies], np.int64),
                np.array([copy.stop for copy in copies], np.int64),
            )
        except (IndexError, ValueError) as fault:
            raise InputError(
                str(fault), "verify the plan: only a legal one has a timeline"
            ) from None
        return clock

    def flags(self, plan: Plan) -> NDArray[np.int64]:
        """int64[accesses]: 1 where the access finds its tensor on chip."""
        flags = np.zeros(len(self.off), np.int64)
        for tensor, stays in Presence.of(plan).stays.items():
            steps, accesses = self._touches.get(tensor, ((), ()))
            for _, ready, stop in stays:
                first, last = bisect_left(steps, ready), bisect_left(steps, stop)
                flags[list(accesses[first:last])] = 1
        return flags

    def latency(self, plan: Plan) -> float:
        """Seconds at which everything is done."""
        return self.raw(plan).latency()

    def timeline(self, plan: Plan) -> Timeline:
        """When every step and every copy of a legal plan happens."""
        *columns, latency = self.raw(plan).timeline()
        start, stop, copy_start, copy_stop, stall = (tuple(c.tolist()) for c in columns)
        return Timeline(start, stop, copy_start, copy_stop, stall, latency)
