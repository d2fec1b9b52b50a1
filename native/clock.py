"""The clock, compiled: `cosmalloc.simulate` for one program in one order, many times a second.

    fast = FastClock(problem)            # or FastClock(problem, order)
    fast.latency(plan)                   # seconds, as simulate(problem, plan).latency
    fast.timeline(plan)                  # as simulate(problem, plan)

A plan in another order is refused: the order is what the arrays are laid out for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Plan, Transfer
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
        touches: list[list[tuple[int, int]]] = [[] for _ in problem.tensors]  # (step, access)
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
                        touches[tensor].append((step, len(off)))
                    off.append(count / far_speed)
                    near.append(count / near_speed)
            first.append(len(off))
        self.compute = np.array([cost(problem, operator) for operator in self.order], np.float64)
        self.first = np.array(first, np.int64)
        self.off, self.near = np.array(off, np.float64), np.array(near, np.float64)
        self._touches = _touches(problem, touches)

    def raw(self, plan: Plan) -> _native.Clock:
        """A compiled clock that holds the plan. InputError for a plan in another order."""
        if plan.order != self.order:
            raise InputError(
                "the plan's order is not the clock's", "make a FastClock for the plan's order"
            )
        clock = _native.Clock(
            self.compute, self.first, self.off, self.near, self.problem.target.copy_engines
        )
        stays, copies = plan.residencies, plan.transfers
        try:
            clock.hold(
                self._touches,
                [[r.tensor for r in stays], [r.start for r in stays], [r.stop for r in stays]],
                [
                    [c.tensor for c in copies],
                    [int(c.kind == "load") for c in copies],
                    [c.start for c in copies],
                    [c.stop for c in copies],
                ],
            )
        except ValueError as fault:
            raise InputError(
                str(fault), "verify the plan: only a legal one has a timeline"
            ) from None
        return clock

    def flags(self, plan: Plan) -> NDArray[np.int64]:
        """int64[accesses]: 1 where the access finds its tensor on chip."""
        return self.raw(plan).near()

    def latency(self, plan: Plan) -> float:
        """Seconds at which everything is done."""
        return self.raw(plan).latency()

    def timeline(self, plan: Plan) -> Timeline:
        """When every step and every copy of a legal plan happens."""
        *columns, latency = self.raw(plan).timeline()
        start, stop, copy_start, copy_stop, stall = (tuple(c.tolist()) for c in columns)
        return Timeline(start, stop, copy_start, copy_stop, stall, latency)


def _touches(problem: Problem, touches: Sequence[Sequence[tuple[int, int]]]) -> _native.Touches:
    """touches: per tensor (step, access), by step."""
    flat = np.array([pair for each in touches for pair in each], np.int64).reshape(-1, 2)
    tensors = range(len(problem.tensors))
    loads = [copy_seconds(problem, Transfer(t, "load", 0, 0)) for t in tensors]
    stores = [copy_seconds(problem, Transfer(t, "store", 0, 0)) for t in tensors]
    return _native.Touches(
        np.cumsum([0, *map(len, touches)]).astype(np.int64),
        np.ascontiguousarray(flat[:, 0]),
        np.ascontiguousarray(flat[:, 1]),
        np.array(loads, np.float64),
        np.array(stores, np.float64),
    )
