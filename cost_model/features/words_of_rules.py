"""What the compiled reader of kernels must know of the rules and of the features' words: made from
them, so that every fact stands in one place."""

from __future__ import annotations

from functools import cache
from typing import Any

from jaxlib.mlir import ir

from cosmalloc import _native
from cosmalloc.cost_model.features.parts import PARTIAL, WHOLE
from cosmalloc.cost_model.features.words import ARGUMENT, kind_index, type_index
from cosmalloc.passes import context
from cosmalloc.passes.rules import Rules, Sizes
from cosmalloc.passes.rules.elementwise import BY_NAME
from cosmalloc.passes.rules.rule import Node
from cosmalloc.passes.rules.sizes import Shaped
from cosmalloc.passes.rules.table import RULES

_ELEMENTS = (
    *("f32", "bf16", "f16", "f64", "i32", "i64", "i16", "i8", "i1", "ui32", "ui64", "ui16", "ui8"),
    *("complex<f32>", "complex<f64>"),
)
Operation = tuple[str, int, bool, bool, bool, int, int]
Element = tuple[str, int, int, str]


@cache
def kernel_reader() -> _native.KernelReader:
    """The compiled reader; it holds nothing but these facts."""
    return _native.KernelReader(operations(), elements(), kind_index(ARGUMENT))


def operations() -> list[Operation]:
    """Name, kind, whether it reads what it needs by its kind, and at all, whether it is done whole,
    then flops and transcendentals per element of the result of an elementwise one."""
    found = []
    for name, rule in RULES.items():
        partial = name in PARTIAL
        work = _per_element(name) if name in BY_NAME else (0, 0)
        as_needed = partial or rule.role == "elementwise"
        found.append((name, kind_index(name), partial, as_needed, name in WHOLE, *work))
    return found


def elements() -> list[Element]:
    """Name as MLIR writes it, place among the types, bytes, class."""
    with context.new_context():
        return [
            (name, type_index(name), int(Sizes().element_bits(kind) or 0) // 8, _class(kind))
            for name, kind in ((name, ir.Type.parse(name)) for name in _ELEMENTS)
        ]


def _per_element(name: str) -> tuple[int, int]:
    """What the rule says of an operation that makes one element."""
    one = Shaped((), 1, 8, False)
    no_handle: Any = None  # such rules look at types alone
    cost = RULES[name].cost(Node(no_handle, (), (one,), Rules()))
    return cost.flops, cost.transcendentals


def _class(kind: ir.Type) -> str:
    if isinstance(kind, ir.ComplexType):
        return "complex"
    if isinstance(kind, ir.FloatType):
        return "float"
    whole = ir.IntegerType(kind)
    if whole.is_unsigned:
        return "unsigned"
    return "boolean" if whole.width == 1 else "signed"
