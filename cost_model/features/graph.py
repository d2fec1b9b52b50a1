"""A kernel's data-flow graph as arrays.

Nodes are the kernel's arguments, then the operations of its normal form (`normal.py`); a loop's
body lies flat beside the loop, its operations with the number of their repeats. Scalar constants
are left out. An edge goes from a value's maker to its reader.

A compiler that fuses computes of a value only what is read: the part of a node that is *needed* is

    needed(i) = max over readers u of needed(u) * elements(u) / elements(i), at most 1

where u takes elements as they are (elementwise, broadcasts, slices, ...), 1 where u reads all or
the value is returned. Costs are of the needed part, but of operations that no compiler does in part
(products, sorts, ...) whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, prod
from typing import Any

import numpy as np
from jaxlib.mlir import ir

from cosmalloc.cost_model.features import details
from cosmalloc.cost_model.features.columns import Columns
from cosmalloc.cost_model.features.normal import normalise
from cosmalloc.cost_model.features.parts import PARTIAL, WHOLE
from cosmalloc.cost_model.features.shape import DIMENSIONS, dimensions, lanes, size
from cosmalloc.cost_model.features.words import ARGUMENT, kind_index, type_index
from cosmalloc.cost_model.summary import Reader
from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.rules import Cost, Rules

COSTS = ("flops", "transcendentals", "read", "written")
MAGNITUDES = 4  # result, operands, largest operand, repeats
FLAGS = 12
_TOGETHER = 256
WIDTH = len(COSTS) + MAGNITUDES + FLAGS + 2 * (DIMENSIONS + 3) + 2 + details.WIDTH


@dataclass(frozen=True)
class KernelGraph(Columns):
    """One kernel's; its length is its nodes."""

    def __len__(self) -> int:
        return len(self.kind)


def graphs_by_mlir(texts: Sequence[str], reader: Reader | None = None) -> list[KernelGraph]:
    """The graphs of kernels given as MLIR text; many are parsed at a time, as functions of one
    module. reader: one that is warm already. Raises InputError."""
    reader = reader or Reader()
    found: list[KernelGraph] = []
    for start in range(0, len(texts), _TOGETHER):
        found += _together(texts[start : start + _TOGETHER], reader)
    return found


def _together(texts: Sequence[str], reader: Reader) -> list[KernelGraph]:
    named = [text.replace("@main(", f"@main{i}(", 1) for i, text in enumerate(texts)]
    module = reader.module("\n".join(named))
    with module.context:
        rules = Rules(trip_count=1)
        functions = list(context.functions(module.operation).values())
        if len(functions) != len(texts):
            raise InputError(f"{len(texts)} kernels hold {len(functions)} functions")
        return [_graph(function.regions[0].blocks[0], rules) for function in functions]


def _graph(block: ir.Block, rules: Rules) -> KernelGraph:
    normalise(block)
    reading = _Reading(rules)
    for argument in block.arguments:
        reading.argument(argument)
    reading.block(block, 1)
    returned = block.operations[len(block.operations) - 1].operands
    return reading.finish(list(block.arguments), list(returned))


class _Reading:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.kind: list[int] = []
        self.body: list[int] = []
        self.types: list[tuple[int, int]] = []
        self.numbers: list[list[float]] = []
        self.costs: list[tuple[float, float, float, float]] = []
        self.elements: list[int] = []
        self.partial: list[bool] = []  # whether the node reads only what it needs
        self.whole: list[bool] = []  # whether it is done whole or not at all
        self.edges: list[tuple[int, int]] = []
        self.made_by: dict[Any, int] = {}

    def argument(self, value: Any) -> None:
        data, kind = self._size(value.type), _element(value.type)
        shape = _shape(value.type)
        self.made_by[value] = self._add(ARGUMENT, 0, (kind, kind), (0, 0, 0, 0), prod(shape))
        row = [0.0] * len(COSTS) + [size(data), 0.0, 0.0, 0.0] + [0.0] * FLAGS
        row += dimensions(shape) + lanes(shape)
        self.numbers.append(row + [0.0] * (WIDTH - len(row)))

    def block(self, block: ir.Block, repeats: int) -> None:
        """Adds the operations of a block but its terminator."""
        operations = [operation.operation for operation in block]
        for operation in operations[:-1]:
            if operation.name == "stablehlo.while":
                self._loop(operation, repeats)
            elif not _is_scalar(operation):
                self._operation(operation, repeats)

    def _loop(self, operation: ir.Operation, repeats: int) -> None:
        body = operation.regions[1].blocks[0]
        for value, outer in zip(body.arguments, operation.operands, strict=True):
            if outer in self.made_by:
                self.made_by[value] = self.made_by[outer]
        self.block(body, repeats * max(1, self.rules.trip_count(operation)))
        node = self._node(operation, repeats, Cost(0, 0, (), ()))
        last = body.operations[len(body.operations) - 1]
        self._link(last.operands, node)

    def _operation(self, operation: ir.Operation, repeats: int) -> None:
        node = self._node(operation, repeats, self.rules.cost(operation))
        self._link(operation.operands, node)

    def _link(self, operands: Any, node: int) -> None:
        for value in operands:
            maker = self.made_by.get(value)
            if maker is not None:
                self.edges.append((maker, node))

    def _node(self, operation: ir.Operation, repeats: int, cost: Cost) -> int:
        facts = self.rules.node(operation)
        result, operands = facts.results[0] if facts.results else None, facts.operands
        made = result.shape if result else ()
        largest = max(range(len(operands)), key=lambda i: operands[i].elements, default=-1)
        given = operands[largest].shape if largest >= 0 else ()
        read, written = sum(cost.read) + cost.inside, sum(cost.written)
        flops = (
            details.window_flops(facts) if operation.name == "stablehlo.convolution" else cost.flops
        )
        counts = (flops, cost.transcendentals, read, written)
        kinds = (
            _element(operation.results[0].type) if len(operation.results) else 0,
            _element(operation.operands[largest].type) if largest >= 0 else 0,
        )
        costs = tuple(float(count * repeats) for count in counts)
        elements = result.elements if result else 0
        node = self._add(operation.name, _body_of(operation), kinds, costs, elements)
        self.partial[node] = _takes_what_it_needs(operation, self.rules)
        self.whole[node] = operation.name in WHOLE
        data = [operand.bytes for operand in operands]
        self.numbers.append(
            [
                *map(size, counts),
                size(sum(end.bytes for end in facts.results)),
                *(size(sum(data)), size(max(data, default=0)), log2(max(repeats, 1)) / 16),
                *_flags(operation, facts.operands, made),
                *(*dimensions(made), *lanes(made), *dimensions(given), *lanes(given)),
                *(len(made) / 8, len(given) / 8),
                *details.details(facts),
            ]
        )
        for value in operation.results:
            self.made_by[value] = node
        return node

    def _add(
        self,
        name: str,
        body: int,
        types: tuple[int, int],
        costs: tuple[float, ...],
        elements: int,
    ) -> int:
        self.kind.append(kind_index(name))
        self.body.append(body)
        self.types.append(types)
        self.costs.append(costs)  # type: ignore[arg-type]
        self.elements.append(elements)
        self.partial.append(False)
        self.whole.append(False)
        return len(self.kind) - 1

    def _size(self, kind: ir.Type) -> int:
        return self.rules.tensor_bytes(kind)

    def finish(self, arguments: list[Any], returned: list[Any]) -> KernelGraph:
        """The graph, with what the kernel returns marked."""
        roots = [self.made_by[value] for value in returned if value in self.made_by]
        needed, first = self._needed(roots), len(COSTS) + MAGNITUDES
        for node in roots:
            self.numbers[node][first] = 1.0
        for source, reader in self.edges:
            self.numbers[source][first + 2] += 1 / 4
            if self.kind[source] == kind_index(ARGUMENT):
                self.numbers[reader][first + 1] = 1.0
        for row, part, elements in zip(self.numbers, needed, self.elements, strict=True):
            row[first + 3], row[first + 4] = part, size(part * elements)
        given = [self._size(value.type) for value in arguments]
        made = [self._size(value.type) for value in returned]
        whole = [
            *(size(len(given)), size(len(made)), size(sum(given)), size(sum(made))),
            *(size(max(given, default=0)), size(max(made, default=0)), size(len(self.kind))),
        ]
        return KernelGraph(
            np.array(self.kind, np.int16),
            np.array(self.body, np.int16),
            np.array(self.types, np.int8).reshape(-1, 2),
            np.array(self.numbers, np.float32).reshape(-1, WIDTH),
            np.array(self.costs, np.float64).reshape(-1, 4) * np.array(needed)[:, None],
            np.array(self.edges, np.int32).reshape(-1, 2),
            np.array(whole, np.float32),
        )

    def _needed(self, roots: list[int]) -> list[float]:
        """The part of each node that is read. Readers come after what they read."""
        needed = [0.0] * len(self.kind)
        for node in roots:
            needed[node] = 1.0
        for source, reader in sorted(self.edges, key=lambda edge: -edge[1]):
            part = 1.0
            if self.partial[reader] and self.elements[source]:
                part = min(1.0, needed[reader] * self.elements[reader] / self.elements[source])
            needed[source] = max(needed[source], part)
        return [
            1.0 if whole and part else part for whole, part in zip(self.whole, needed, strict=True)
        ]


def _takes_what_it_needs(operation: ir.Operation, rules: Rules) -> bool:
    return operation.name in PARTIAL or rules.role(operation) in ("elementwise", "broadcast")


def _flags(operation: ir.Operation, operands: Any, made: tuple[int, ...]) -> list[float]:
    """Returned, reads an argument, readers, needed part and how much that is (all set at the end);
    operands, results, same shapes, regions, scalar, equality."""
    same = sum(operand.shape == made for operand in operands)
    return [
        *(0.0, 0.0, 0.0, 0.0, 0.0, len(operands) / 8, len(operation.results) / 8, same / 4),
        float(len(operation.regions) > 0),
        float(made == ()),
        _direction(operation),
        float(operation.name in PARTIAL),
    ]


def _direction(operation: ir.Operation) -> float:
    """Compares: equality is cheaper than order for some types."""
    if operation.name != "stablehlo.compare":
        return 0.0
    word = str(operation.attributes["comparison_direction"])
    return 1.0 if "EQ" in word or "NE" in word else 0.5


def _body_of(operation: ir.Operation) -> int:
    """What a reduction combines by: the last operation but the terminator of its first region."""
    if not operation.regions or not operation.regions[0].blocks:
        return 0
    inner = list(operation.regions[0].blocks[0].operations)
    return kind_index(inner[-2].operation.name) if len(inner) > 1 else 0


def _is_scalar(operation: ir.Operation) -> bool:
    return operation.name == "stablehlo.constant" and _shape(operation.results[0].type) == ()


def _shape(kind: ir.Type) -> tuple[int, ...]:
    return tuple(kind.shape) if isinstance(kind, ir.RankedTensorType) else ()


def _element(kind: ir.Type) -> int:
    text = str(kind.element_type if isinstance(kind, ir.ShapedType) else kind)
    return type_index(text)
