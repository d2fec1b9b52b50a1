"""`stablehlo.scatter` as loops, for kernels on their way to linalg.

For every element u of the updates, in order, with w its window part and s the rest of its index:

    (1)  start[d] = indices[s, k]    for operand dimension d = scatter_dims_to_operand_dims[k]
    (2)  at = start + batch(s) + window(w)
    (3)  if 0 <= at < shape: result[at] = computation(result[at], updates[u])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from cosmalloc.passes.nested import inside

Value = ir.Value[Any]
_SIGNED_LESS, _SIGNED_AT_LEAST = 2, 5  # predicates of arith.cmpi


def scatter_to_loops(module: ir.Operation) -> None:
    """Replace every scatter in a module, whose context must be entered."""
    for operation in [op for op in inside(module) if op.name == "stablehlo.scatter"]:
        with operation.location, ir.InsertionPoint(operation):
            values = _Scatter(operation).loops()
        for old, value in zip(operation.results, values, strict=True):
            old.replace_all_uses_with(value)
        operation.erase()


class _Scatter:
    def __init__(self, operation: ir.Operation) -> None:
        operands = list(operation.operands)
        count = len(operands) // 2
        self.inputs, self.indices, self.updates = (
            operands[:count],
            operands[count],
            operands[count + 1 :],
        )
        self.block = operation.regions[0].blocks[0]
        numbers: Any = operation.attributes["scatter_dimension_numbers"]
        self.numbers = stablehlo.ScatterDimensionNumbers(numbers)

    def loops(self) -> list[Value]:
        """The results."""
        shape = ir.RankedTensorType(self.updates[0].type).shape
        return _nest(list(shape), [], self.inputs, self._update)

    def _update(self, place: list[Value], values: list[Value]) -> list[Value]:
        at = self._at(place)
        shape = ir.RankedTensorType(self.inputs[0].type).shape
        kinds = [value.type for value in values]
        if not at:
            return self._combined(place, at, values)
        branch = ir.Operation.create(
            "scf.if", results=kinds, operands=[_in_bounds(at, list(shape))], regions=2
        )
        for region, change in zip(branch.regions, (True, False), strict=True):
            block = ir.Block.create_at_start(region, [], [])
            with ir.InsertionPoint(block):
                made = self._combined(place, at, values) if change else values
                ir.Operation.create("scf.yield", operands=made)
        return list(branch.results)

    def _at(self, place: list[Value]) -> list[Value]:
        """(2), per dimension of the operand."""
        numbers = self.numbers
        window = list(numbers.update_window_dims)
        rest = [u for d, u in enumerate(place) if d not in window]
        fixed = [*numbers.inserted_window_dims, *numbers.input_batching_dims]
        rank = ir.RankedTensorType(self.inputs[0].type).rank
        free = [d for d in range(rank) if d not in fixed]
        terms: list[list[Value]] = [[] for _ in range(rank)]
        for d, u in zip(free, window, strict=True):
            terms[d].append(place[u])
        pairs = zip(numbers.input_batching_dims, numbers.scatter_indices_batching_dims, strict=True)
        for d, b in pairs:
            terms[d].append(rest[b if b < numbers.index_vector_dim else b - 1])
        for k, d in enumerate(numbers.scattered_dims_to_operand_dims):
            terms[d].append(self._start(rest, k))
        return [_sum(each) for each in terms]

    def _start(self, rest: list[Value], k: int) -> Value:
        """(1)"""
        kind = ir.RankedTensorType(self.indices.type)
        place = list(rest)
        if self.numbers.index_vector_dim < kind.rank:
            place.insert(self.numbers.index_vector_dim, _index(k))
        found = _make("tensor.extract", [self.indices, *place], kind.element_type)
        return _make("arith.index_cast", [found], ir.IndexType.get())

    def _combined(self, place: list[Value], at: list[Value], values: list[Value]) -> list[Value]:
        """(3), inside the bounds. Called once: the computation moves here."""
        old = [_element(value, at) for value in values]
        new = [_element(update, place) for update in self.updates]
        for argument, scalar in zip(self.block.arguments, [*old, *new], strict=True):
            wrapped = _make("tensor.from_elements", [scalar], argument.type)
            argument.replace_all_uses_with(wrapped)
        *body, end = [op.operation for op in self.block]
        for operation in body:
            ir.InsertionPoint.current.insert(_detached(operation))
        made = []
        for value, result in zip(values, end.operands, strict=True):
            scalar = _element(result, [])
            made.append(_make("tensor.insert", [scalar, value, *at], value.type))
        return made


def _detached(operation: ir.Operation) -> ir.Operation:
    operation.detach_from_parent()
    return operation


def _nest(
    shape: list[int],
    place: list[Value],
    values: Sequence[Value],
    body: Callable[[list[Value], list[Value]], list[Value]],
) -> list[Value]:
    """Loops over `shape` that carry `values` through `body(place, values)`."""
    if not shape:
        return body(place, list(values))
    loop = ir.Operation.create(
        "scf.for",
        results=[value.type for value in values],
        operands=[_index(0), _index(shape[0]), _index(1), *values],
        regions=1,
    )
    kinds = [ir.IndexType.get(), *(value.type for value in values)]
    block = ir.Block.create_at_start(loop.regions[0], kinds, [ir.Location.unknown()] * len(kinds))
    with ir.InsertionPoint(block):
        counter, *carried = block.arguments
        made = _nest(shape[1:], [*place, counter], carried, body)
        ir.Operation.create("scf.yield", operands=made)
    return list(loop.results)


def _in_bounds(at: list[Value], shape: list[int]) -> Value:
    truths = []
    for value, size in zip(at, shape, strict=True):
        truths.append(_compare(_SIGNED_AT_LEAST, value, _index(0)))
        truths.append(_compare(_SIGNED_LESS, value, _index(size)))
    found = truths[0]
    for truth in truths[1:]:
        found = _make("arith.andi", [found, truth], truth.type)
    return found


def _compare(predicate: int, left: Value, right: Value) -> Value:
    number = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), predicate)
    kind = ir.IntegerType.get_signless(1)
    return _make("arith.cmpi", [left, right], kind, {"predicate": number})


def _sum(values: list[Value]) -> Value:
    found = values[0] if values else _index(0)
    for value in values[1:]:
        found = _make("arith.addi", [found, value], value.type)
    return found


def _element(value: Value, at: list[Value]) -> Value:
    kind = ir.RankedTensorType(value.type).element_type
    return _make("tensor.extract", [value, *at], kind)


def _index(number: int) -> Value:
    kind = ir.IndexType.get()
    return _make("arith.constant", [], kind, {"value": ir.IntegerAttr.get(kind, number)})


def _make(
    name: str,
    operands: list[Value],
    kind: ir.Type,
    attributes: dict[str, ir.Attribute] | None = None,
) -> Value:
    made = ir.Operation.create(name, results=[kind], operands=operands, attributes=attributes)
    result: Value = made.results[0]
    return result
