"""How often a loop runs, read from the pattern that `lax.scan` and `lax.fori_loop` export.

    while (counter < limit) counter += step    trips = ceil((limit - start) / step)

start, limit and step must be integers known at compile time: constants or arithmetic on them, also
where they travel through loop arguments that never change.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from cosmalloc.passes.rules.rule import Value

_SWAPPED = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE", "NE": "NE"}
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "stablehlo.add": lambda a, b: a + b,
    "stablehlo.subtract": lambda a, b: a - b,
    "stablehlo.multiply": lambda a, b: a * b,
    "stablehlo.maximum": max,
    "stablehlo.minimum": min,
}
_SAME = ("stablehlo.convert", "stablehlo.reshape", "stablehlo.broadcast_in_dim")
_DEPTH = 64  # operations followed before giving up


def known_trips(op: ir.Operation) -> int | None:
    """Trips of a `stablehlo.while`, None where they depend on data."""
    condition, body = (region.blocks[0] for region in op.regions)
    test = _definition(_last(condition).operands[0])
    if test is None or test.name != "stablehlo.compare":
        return None
    direction = stablehlo.ComparisonDirectionAttr(test.attributes["comparison_direction"]).value
    left, right = test.operands
    if not _is_argument_of(left, condition):
        left, right, direction = right, left, _SWAPPED.get(direction, direction)
    if not _is_argument_of(left, condition):
        return None
    index = ir.BlockArgument(left).arg_number
    start, limit = known_integer(op.operands[index]), known_integer(right)
    step = _step(body, index)
    if start is None or limit is None or step is None:
        return None
    return count_trips(start, limit, step, direction)


def count_trips(start: int, limit: int, step: int, direction: str) -> int | None:
    """Trips of `while (counter <direction> limit) counter += step`, None for an endless loop."""
    if direction == "NE":
        if start == limit:
            return 0
        whole = step != 0 and (limit - start) % step == 0 and (limit - start) // step > 0
        return (limit - start) // step if whole else None
    if direction in ("GT", "GE"):
        start, limit, step = -start, -limit, -step
    elif direction not in ("LT", "LE"):
        return None
    distance = limit - start + (direction in ("LE", "GE"))
    if distance <= 0:
        return 0
    return -(-distance // step) if step > 0 else None


def known_integer(value: Value, depth: int = _DEPTH) -> int | None:
    """The integer that a scalar value always is, None where it is not known."""
    if depth == 0:
        return None
    op = _definition(value)
    if op is None:
        return _invariant(value, depth)
    if op.name == "stablehlo.constant":
        return _constant(op)
    if op.name in _SAME:
        return known_integer(op.operands[0], depth - 1)
    if op.name not in _ARITHMETIC:
        return None
    left = known_integer(op.operands[0], depth // 2)
    right = known_integer(op.operands[1], depth // 2) if left is not None else None
    return None if left is None or right is None else _ARITHMETIC[op.name](left, right)


def _invariant(argument: Value, depth: int) -> int | None:
    """A loop argument that the body returns unchanged is what it was at the start."""
    block = ir.BlockArgument(argument).owner
    loop = block.owner.operation
    if loop.name != "stablehlo.while":
        return None
    index = ir.BlockArgument(argument).arg_number
    body = loop.regions[1].blocks[0]
    if _last(body).operands[index] != body.arguments[index]:
        return None
    return known_integer(loop.operands[index], depth - 1)


def _step(body: ir.Block, index: int) -> int | None:
    op = _definition(_last(body).operands[index])
    if op is None or op.name not in ("stablehlo.add", "stablehlo.subtract"):
        return None
    counter = body.arguments[index]
    left, right = op.operands
    if left == counter:
        step = known_integer(right)
        return -step if step is not None and op.name == "stablehlo.subtract" else step
    return known_integer(left) if right == counter and op.name == "stablehlo.add" else None


def _constant(op: ir.Operation) -> int | None:
    value = op.attributes["value"]
    if not isinstance(value, ir.DenseIntElementsAttr) or len(value) == 0:
        return None
    return int(value[0]) if len(value) == 1 or value.is_splat else None


def _definition(value: Value) -> ir.Operation | None:
    return None if isinstance(value.owner, ir.Block) else value.owner.operation


def _is_argument_of(value: Value, block: ir.Block) -> bool:
    return isinstance(value.owner, ir.Block) and value in set(block.arguments)


def _last(block: ir.Block) -> ir.Operation:
    return block.operations[len(block.operations) - 1].operation
