"""What a compiler makes of a kernel before anything else.

A tensor that is one number everywhere becomes a broadcast of a scalar: a constant of one value, and
whatever is computed of such constants alone element by element, moved, or reduced. What then nobody
reads is left out. x + 0, x - 0, x * 1 and x / 1 become reshapes of x: nothing is computed. XLA's
constant folding and algebraic simplification do this, and more, which is left to be learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp
from typing import Any, Literal, TypeAlias

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from cosmalloc.passes.rules.elementwise import BY_NAME

Constant: TypeAlias = "Literal['zero', 'one', 'power', 'number']"  # power: of two, negative or not
_MOVES = frozenset(
    f"stablehlo.{name}" for name in ("broadcast_in_dim", "transpose", "reshape", "slice", "reverse")
)
_OF_PARTS = frozenset(f"stablehlo.{name}" for name in ("complex", "real", "imag"))
_COMPUTES = frozenset((*BY_NAME, "stablehlo.reduce")) - _OF_PARTS
_NOTHING: dict[str, Constant] = {
    "stablehlo.add": "zero",
    "stablehlo.subtract": "zero",
    "stablehlo.multiply": "one",
    "stablehlo.divide": "one",
}
_TAKES_LEFT = ("stablehlo.add", "stablehlo.multiply")
_NUMBERS: dict[Constant, int] = {"zero": 0, "one": 1, "power": 2, "number": 3}
_LEAST = 2.0**-14  # powers of two below it count as any number


def normalise(block: ir.Block) -> None:
    """Rewrites the block's operations, those of its loops, too."""
    known: dict[Any, Constant] = {}
    with ir.Location.unknown():
        constants = _rewrite(block, known)
    for operation in reversed(constants):
        if not any(True for _ in operation.results[0].uses):
            operation.erase()


def constant_of(value: Any) -> Constant | None:
    """What is written of a constant or its broadcast."""
    maker = _maker(value)
    if maker is not None and maker.name == "stablehlo.broadcast_in_dim":
        maker = _maker(maker.operands[0])
    return None if maker is None else _written(maker)


def _rewrite(block: ir.Block, known: dict[Any, Constant]) -> list[ir.Operation]:
    """The constants that it made, those that others are made of first."""
    made: list[ir.Operation] = []
    for view in list(block.operations)[:-1]:
        operation = view.operation
        if operation.name == "stablehlo.while":
            made += _rewrite(operation.regions[1].blocks[0], known)
            continue
        value = _folded(operation, [known.get(operand) for operand in operation.operands])
        if value is not None:
            made += _fold(operation, value, known)
        elif (operand := _handed_on(operation, known)) is not None:
            with ir.InsertionPoint(operation):
                same = stablehlo.reshape(operation.results[0].type, operand)
            _replace(operation, same)
    return made


def _folded(operation: ir.Operation, operands: Sequence[Constant | None]) -> Constant | None:
    """What the result of an operation on constants is, if that is a tensor of real numbers."""
    made = _element(operation)
    if made is None:
        return None
    if operation.name == "stablehlo.constant":
        return _written(operation)
    if not operands or None in operands:
        return None
    if operation.name in _MOVES:
        return operands[0]
    if operation.name == "stablehlo.convert" and (
        operands[0] in ("zero", "one") or isinstance(made, ir.FloatType)
    ):
        return operands[0]
    if operation.name not in _COMPUTES:
        return None
    return "one" if str(made) == "i1" else "number"


def _element(operation: ir.Operation) -> ir.Type | None:
    """Of the one result, if it has a rank and its elements are floats or integers."""
    if len(operation.results) != 1 or not isinstance(
        operation.results[0].type, ir.RankedTensorType
    ):
        return None
    found = operation.results[0].type.element_type
    return found if isinstance(found, ir.FloatType | ir.IntegerType) else None


def _fold(
    operation: ir.Operation, value: Constant, known: dict[Any, Constant]
) -> list[ir.Operation]:
    """Puts a broadcast, or a scalar, in the operation's place."""
    kind = ir.RankedTensorType(operation.results[0].type)
    if operation.name == "stablehlo.constant" and kind.rank == 0:
        known[operation.results[0]] = value
        return []
    element = kind.element_type
    number = _NUMBERS[value]
    attribute = (
        ir.FloatAttr.get(element, float(number))
        if isinstance(element, ir.FloatType)
        else ir.IntegerAttr.get(element, number)
    )
    scalar = ir.RankedTensorType.get((), element)
    with ir.InsertionPoint(operation):
        made = stablehlo.constant(ir.DenseElementsAttr.get_splat(scalar, attribute))
        if kind.rank > 0:
            made = stablehlo.broadcast_in_dim(kind, made, [])
    known[made] = value
    _replace(operation, made)
    return [made.owner.operation]


def _handed_on(operation: ir.Operation, known: dict[Any, Constant]) -> Any:
    """The operand that the operation does nothing to."""
    nothing = _NOTHING.get(operation.name)
    if nothing is None:
        return None
    left, right = operation.operands
    if known.get(right) == nothing:
        return left
    return right if operation.name in _TAKES_LEFT and known.get(left) == nothing else None


def _replace(operation: ir.Operation, value: Any) -> None:
    operation.results[0].replace_all_uses_with(value)
    operation.erase()


def _maker(value: Any) -> ir.Operation | None:
    owner = value.owner
    return None if isinstance(owner, ir.Block) else owner.operation


def _written(operation: ir.Operation) -> Constant | None:
    """The one value that a constant has everywhere, if it is written so."""
    if operation.name != "stablehlo.constant":
        return None
    elements = operation.attributes["value"]
    if not isinstance(elements, ir.DenseElementsAttr) or not elements.is_splat:
        return None
    if isinstance(ir.ShapedType(elements.type).element_type, ir.ComplexType):
        return None
    held: Any = elements.get_splat_value()
    return _named(held.value)


def _named(value: float | int) -> Constant:
    if value in (0, 1):
        return "one" if value else "zero"
    return "power" if _is_power(value) else "number"


def _is_power(value: float | int) -> bool:
    amount = abs(value)
    if isinstance(amount, int):
        return amount & (amount - 1) == 0
    return amount >= _LEAST and frexp(amount)[0] == 0.5
