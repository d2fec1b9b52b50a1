"""A machine that runs a plan on named bytes and complains when an operator would read wrong ones.

It knows nothing of residencies overlapping or of laws: only of bytes, who wrote them last, and
copies that may touch memory at any moment of their window. What the judge calls legal must run.
"""

from __future__ import annotations

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Operator, Problem
from tests.widen import updates_in_place


class WrongError(Exception):
    """What went wrong, and when."""


class Machine:
    """memory: per byte of the scratchpad the tensor whose data it holds, ("loading", tensor) while
    a copy writes it, or None."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.plan = plan
        self.memory: list[object] = [None] * problem.target.scratchpad_bytes
        kinds = [tensor.kind for tensor in problem.tensors]
        self.valid = {t for t, kind in enumerate(kinds) if kind in ("input", "weight")}
        self.flying: list[Transfer] = []

    def run(self) -> None:
        """From the first border to the last. Raises WrongError."""
        for step, operator in enumerate(self.plan.order):
            self._border(step)
            self._check_stores(step)
            self._step(step, self.problem.operators[operator])
            self._check_stores(step)
        self._border(len(self.plan.order))
        for tensor, entry in enumerate(self.problem.tensors):
            if entry.kind == "output" and entry.tracked and tensor not in self.valid:
                raise WrongError(f"output {tensor} is not off-chip")

    def _border(self, step: int) -> None:
        for copy in [c for c in self.flying if c.stop == step]:
            self.flying.remove(copy)
            self._complete(copy)
        here = [c for c in self.plan.transfers if c.start == step]
        for kind in ("store", "load"):
            for copy in here:
                if copy.kind == kind and copy.stop == step:
                    self._issue(copy)
                    self._complete(copy)
        for copy in here:
            if copy.stop > step:
                self._issue(copy)
                self.flying.append(copy)

    def _issue(self, copy: Transfer) -> None:
        if copy.kind == "store":
            self._expect(copy.tensor, self._stay(copy), copy.tensor)
            return
        if copy.tensor not in self.valid:
            raise WrongError(f"{copy} reads an invalid copy")
        self._fill(self._stay(copy), ("loading", copy.tensor))

    def _complete(self, copy: Transfer) -> None:
        if copy.kind == "store":
            self._expect(copy.tensor, self._stay(copy), copy.tensor)
            self.valid.add(copy.tensor)
            return
        stay = self._stay(copy)
        self._expect(("loading", copy.tensor), stay, copy.tensor)
        self._fill(stay, copy.tensor)

    def _check_stores(self, step: int) -> None:
        """A store may read its bytes at any moment."""
        for copy in self.flying:
            if copy.kind == "store":
                self._expect(copy.tensor, self._stay(copy), copy.tensor)

    def _step(self, step: int, operator: Operator) -> None:
        read: dict[int, int] = {}
        for tensor in filter(self._is_tracked, operator.inputs):
            stay = self._covering(tensor, step)
            if stay is not None and self._holds(stay, tensor):
                read |= dict.fromkeys(self._bytes(stay), tensor)
            elif self.problem.target.operand_rule == "resident" or tensor not in self.valid:
                raise WrongError(f"step {step} reads wrong bytes of {tensor}")
        self._check_updates(step)
        for tensor in filter(self._is_tracked, operator.outputs):
            stay = self._covering(tensor, step)
            if stay is None:
                if self.problem.target.operand_rule == "resident":
                    raise WrongError(f"step {step} has no place for {tensor}")
                self.valid.add(tensor)
                continue
            for byte in self._bytes(stay):
                if byte in read and not self._aliases(tensor, read[byte]):
                    raise WrongError(f"step {step} writes {tensor} over what it reads")
            self._fill(stay, tensor)
        for tensor in filter(self._is_tracked, operator.outputs):
            stay = self._covering(tensor, step)
            if stay is not None:
                self._expect(tensor, stay, tensor)

    def _check_updates(self, step: int) -> None:
        """The bytes that an operator does not write are there before it writes the others."""
        for at, operands, result in updates_in_place(self.problem, self.plan):
            if at != step:
                continue
            made = self._covering(result, step)
            if not any(self._lies_at(operand, made, step) for operand in operands):
                raise WrongError(f"step {step} makes {result} apart from what it updates")

    def _lies_at(self, operand: int, made: Residency | None, step: int) -> bool:
        """Whether the operand is whole where the result is made, on chip or off."""
        stay = self._covering(operand, step)
        if stay is None or not self._holds(stay, operand):
            return made is None
        return made is not None and made.offset == stay.offset

    def _is_tracked(self, tensor: int) -> bool:
        return self.problem.tensors[tensor].tracked

    def _aliases(self, one: int, two: int) -> bool:
        group = self.problem.tensors[one].alias_group
        return group is not None and group == self.problem.tensors[two].alias_group

    def _covering(self, tensor: int, step: int) -> Residency | None:
        for stay in self.plan.residencies:
            if stay.tensor == tensor and stay.start <= step < stay.stop:
                return stay
        return None

    def _stay(self, copy: Transfer) -> Residency:
        """Where a copy reads or writes the scratchpad."""
        for stay in self.plan.residencies:
            if stay.tensor == copy.tensor and (
                stay.start == copy.start
                if copy.kind == "load"
                else stay.start < copy.start <= copy.stop <= stay.stop
            ):
                return stay
        raise WrongError(f"{copy} has no place on chip")

    def _bytes(self, stay: Residency) -> range:
        stop = stay.offset + self.problem.tensors[stay.tensor].bytes
        if stop > len(self.memory):
            raise WrongError(f"{stay} is beyond the scratchpad")
        return range(stay.offset, stop)

    def _holds(self, stay: Residency, tag: object) -> bool:
        return all(self.memory[byte] == tag for byte in self._bytes(stay))

    def _fill(self, stay: Residency, tag: object) -> None:
        for byte in self._bytes(stay):
            self.memory[byte] = tag

    def _expect(self, tag: object, stay: Residency, tensor: int) -> None:
        if not self._holds(stay, tag):
            raise WrongError(f"the bytes of {tensor} at {stay.offset} are overwritten")
