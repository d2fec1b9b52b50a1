"""What an allocator knows while it walks the steps: uses, copies off-chip, the plan so far."""

from __future__ import annotations

from collections.abc import Sequence

from cosmalloc.baselines.replacement import Held
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem


class State:
    """Mutable. offset: of the tensors on chip. stored: produced tensors with a copy off-chip."""

    def __init__(self, problem: Problem, order: Sequence[int]) -> None:
        self.problem = problem
        self.order = tuple(order)
        self.uses = lifetimes(problem, order).uses
        self.bytes = [tensor.bytes for tensor in problem.tensors]
        self.offset: dict[int, int] = {}
        self.stored: set[int] = set()
        self._start: dict[int, int] = {}
        self._stays: list[Residency] = []
        self._copies: list[Transfer] = []

    def wanted(self, step: int) -> list[int]:
        """The tracked operands and results of a step."""
        operator = self.problem.operators[self.order[step]]
        ends = (*operator.inputs, *operator.outputs)
        return [t for t in ends if self.problem.tensors[t].tracked]

    def next_use(self, tensor: int, step: int) -> int | None:
        """The first use at `step` or later."""
        return next((use for use in self.uses[tensor] if use >= step), None)

    def held(self, step: int, pinned: Sequence[int]) -> list[Held]:
        """The tensors on chip that may leave before `step`."""
        return [
            Held(t, self.bytes[t], self.next_use(t, step) or 0, self.price(t))
            for t in self.offset
            if t not in pinned
        ]

    def price(self, tensor: int) -> int:
        """Bytes beyond the compulsory ones that an eviction costs in the end."""
        produced = self.problem.producer[tensor] is not None
        output = self.problem.tensors[tensor].kind == "output"
        store = produced and not output and tensor not in self.stored
        return self.bytes[tensor] * (1 + store)

    def enter(self, tensor: int, step: int, offset: int) -> None:
        """On chip from `step` on: produced there, or loaded before it."""
        made_by = self.problem.producer[tensor]
        if made_by is None or self.order[step] != made_by:
            self._copies.append(Transfer(tensor, "load", step, step))
        self.offset[tensor] = offset
        self._start[tensor] = step

    def leave(self, tensor: int, step: int) -> None:
        """Gone before `step`, stored first if somebody wants it later."""
        output = self.problem.tensors[tensor].kind == "output"
        wanted = output or self.next_use(tensor, step) is not None
        produced = self.problem.producer[tensor] is not None
        if wanted and produced and tensor not in self.stored:
            self._copies.append(Transfer(tensor, "store", step, step))
            self.stored.add(tensor)
        self._stays.append(Residency(tensor, self.offset.pop(tensor), self._start[tensor], step))

    def started_at(self, tensor: int) -> int:
        """The step from which the tensor is on chip."""
        return self._start[tensor]

    def forget(self, tensor: int, step: int) -> None:
        """Takes back that the tensor entered at `step`."""
        del self.offset[tensor]
        self._copies = [
            c for c in self._copies if (c.tensor, c.kind, c.start) != (tensor, "load", step)
        ]

    def bury(self, step: int) -> None:
        """What has no use at `step` or later leaves."""
        for tensor in [t for t in self.offset if self.next_use(t, step) is None]:
            self.leave(tensor, step)

    def plan(self) -> Plan:
        """The plan, once every step is done and buried."""
        return Plan(self.order, tuple(self._stays), tuple(self._copies))
