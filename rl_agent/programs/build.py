"""A program under construction: tensors and operators, one after the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cosmalloc.problem import Operator, Problem, Tensor, TensorKind
from cosmalloc.target import Target


@dataclass
class Build:
    """dice: all that is random. scale: of depths. grain: bytes of an element."""

    dice: random.Random
    scale: float = 1.0
    grain: int = 2
    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    groups: int = 0

    def times(self, low: int, high: int) -> int:
        """A depth, at least 1."""
        return max(1, round(self.scale * self.dice.randint(low, high)))

    def tensor(self, elements: int, kind: TensorKind = "intermediate", name: str = "t") -> int:
        """A new tensor."""
        size = max(1, elements) * self.grain
        self.tensors.append(Tensor(f"{name}{len(self.tensors)}", size, kind))
        return len(self.tensors) - 1

    def weight(self, elements: int) -> int:
        """A parameter."""
        return self.tensor(elements, "weight", "w")

    def elements(self, tensor: int) -> int:
        """Of a tensor."""
        return self.tensors[tensor].bytes // self.grain

    def op(self, kind: str, reads: Sequence[int], elements: int, flops: float) -> int:
        """An operator that reads these tensors, each once, and makes one of so many elements."""
        made = self.tensor(elements)
        self.run(kind, reads, [made], flops)
        return made

    def run(self, kind: str, reads: Sequence[int], makes: Sequence[int], flops: float) -> None:
        """An operator that accesses all bytes of tensors that are there."""
        inputs = tuple(dict.fromkeys(reads))
        self.operators.append(
            Operator(
                f"{kind}{len(self.operators)}",
                kind,
                inputs,
                tuple(makes),
                tuple(self.tensors[t].bytes for t in inputs),
                tuple(self.tensors[t].bytes for t in makes),
                None,
                int(flops),
            )
        )

    def accessed(self, operator: int, tensor: int, count: int) -> None:
        """The operator accesses so many bytes of the tensor, not all."""
        node = self.operators[operator]

        def counts(ends: tuple[int, ...], known: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(count if t == tensor else c for t, c in zip(ends, known, strict=True))

        self.operators[operator] = replace(
            node,
            input_bytes_accessed=counts(node.inputs, node.input_bytes_accessed),
            output_bytes_accessed=counts(node.outputs, node.output_bytes_accessed),
        )

    def leaves(self, tensor: int) -> None:
        """It is an output of the program."""
        self.tensors[tensor] = replace(self.tensors[tensor], kind="output")

    def in_place(self, operand: int, result: int) -> None:
        """The result may take the operand's bytes."""
        group = self.tensors[operand].alias_group
        if group is None:
            group, self.groups = self.groups, self.groups + 1
        for tensor in (operand, result):
            self.tensors[tensor] = replace(self.tensors[tensor], alias_group=group)

    def problem(self, name: str, target: Target) -> Problem:
        """What stands so far; whatever nobody reads is an output."""
        read = {t for node in self.operators for t in node.inputs}
        for node in self.operators:
            for tensor in node.outputs:
                if tensor not in read:
                    self.leaves(tensor)
        return Problem(name, target, tuple(self.tensors), tuple(self.operators))
