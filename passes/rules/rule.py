"""The words of the rules: what one operation costs, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.rules.location import where
from cosmalloc.passes.rules.sizes import Shaped

if TYPE_CHECKING:
    from cosmalloc.passes.rules.facade import Rules

Role = Literal[
    "elementwise", "broadcast", "constant", "view", "movement", "kernel", "control", "structure"
]
Pairs = tuple[tuple[int, int], ...]  # (result index, operand index)
Value: TypeAlias = "ir.Value[ir.Type]"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation does.

    flops: arithmetic operations, a multiply-add counts 2.
    transcendentals: exponentials, roots, sines and their like, one per element, kept apart because
    one is worth several operations of a machine.
    read: bytes read of each operand, then of each value in `captures(op)`.
    written: bytes written to each result, where `in_place` pairs do share their storage.
    inside: bytes read and written of values born within the operation's own regions, op by op.
    """

    flops: int
    transcendentals: int
    read: tuple[int, ...]
    written: tuple[int, ...]
    inside: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One operation as a rule sees it: MLIR's handle and the facts of its types."""

    op: ir.Operation
    operands: tuple[Shaped, ...]
    results: tuple[Shaped, ...]
    rules: Rules

    def attribute(self, name: str, default: Any = None) -> Any:
        attributes = self.op.attributes
        if self.op.name != "stablehlo.composite":
            return attributes.get(name, default)
        inner = attributes.get("composite_attributes")
        if inner is None or name not in ir.DictAttr(inner):
            return default
        return ir.DictAttr(inner)[name]

    def number(self, name: str, default: int) -> int:
        """An integer attribute."""
        found = self.attribute(name)
        return default if found is None else int(ir.IntegerAttr(found).value)

    def numbers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """An array or dense attribute of integers or booleans (window strides and their like)."""
        found = self.attribute(name)
        if found is None:
            return default
        if isinstance(found, ir.DenseElementsAttr):
            return tuple(int(n) for n in flat(found))
        return tuple(int(n) for n in found)

    def all_bytes(
        self, *, flops: int = 0, transcendentals: int = 0, read: tuple[int, ...] | None = None
    ) -> Cost:
        """Reads every operand whole, unless `read` says less, and writes every result."""
        return Cost(
            flops,
            transcendentals,
            tuple(operand.bytes for operand in self.operands) if read is None else read,
            tuple(result.bytes for result in self.results),
        )

    def region(self, index: int = 0) -> tuple[int, int]:
        """(flops, transcendentals) of one run of a region."""
        body = [self.rules.cost(op) for op in self.op.regions[index].blocks[0].operations]
        return sum(cost.flops for cost in body), sum(cost.transcendentals for cost in body)

    def fault(self, fact: str, hint: str = "") -> InputError:
        """An InputError that names this operation and its place."""
        return InputError(f"{where(self.op)} {fact}", hint)


def flat(attribute: Any) -> list[Any]:
    """Elements of a dense attribute in row-major order, of any rank."""
    typed = ir.DenseIntElementsAttr(attribute)
    return [typed[index] for index in range(len(typed))]


def named(dialect: str, operations: str) -> tuple[str, ...]:
    """Full names of operations listed with spaces between."""
    return tuple(f"{dialect}.{operation}" for operation in operations.split())


def no_pairs(node: Node) -> Pairs:
    return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of operation behaves.

    role: a word, or a function where it depends on the operation (some transposes are views).
    in_place: pairs that may share storage. views: pairs that are one storage, for the role `view`.
    """

    role: Role | Callable[[Node], Role]
    cost: Callable[[Node], Cost]
    in_place: Callable[[Node], Pairs] = no_pairs
    views: Callable[[Node], Pairs] = no_pairs


def free(node: Node) -> Cost:
    """No arithmetic, no byte."""
    return Cost(0, 0, (0,) * len(node.operands), (0,) * len(node.results))


def first_views_first(node: Node) -> Pairs:
    return ((0, 0),)


def each_views_its_own(node: Node) -> Pairs:
    return tuple((index, index) for index in range(len(node.results)))
