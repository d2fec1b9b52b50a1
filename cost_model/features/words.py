"""The words that features know: operations and element types. A new word goes to the end."""

from __future__ import annotations

from cosmalloc.passes.rules.table import RULES

ARGUMENT = "argument"
OTHER = "other"
KINDS: tuple[str, ...] = (OTHER, ARGUMENT, *sorted(RULES))
TYPES = ("other", "f32", "bf16", "f16", "f64", "i32", "i64", "i8", "i1")

_KIND = {name: index for index, name in enumerate(KINDS)}
_TYPE = {name: index for index, name in enumerate(TYPES)} | {"ui8": 7, "ui32": 5, "ui64": 6}


def kind_index(name: str) -> int:
    """Place in `KINDS`; 0 if it is no known word."""
    return _KIND.get(name, 0)


def type_index(element: str) -> int:
    """Place in `TYPES` of an element type as MLIR writes it."""
    return _TYPE.get(element, 0)
