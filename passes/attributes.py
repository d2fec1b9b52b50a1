"""The attributes of a mapped module, to and from our words. docs/format.md lists them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
from jaxlib.mlir import ir

from cosmalloc.errors import InputError

T = TypeVar("T")

FORMAT = "mem.format"
FORMAT_VERSION = "cosmalloc.ir/1"
PROBLEM = "mem.problem"
TARGET = "mem.target"
READING = "mem.reading"
OUTCOME = "mem.outcome"
CONFIGURATION = "mem.configuration"
OPERATOR = "mem.operator"
STEP = "mem.step"
SECONDS = "mem.seconds"
OFFSETS = "mem.offsets"
STOPS = "mem.stops"
TRANSFERS = "mem.transfers"
NAME = "mem.name"
KIND = "mem.kind"
LIFETIMES = "mem.lifetimes"
OPAQUE = "mem.opaque"
MEMREF = "mem.memref"
LOAD = "mem.load"
STORE = "mem.store"


def integer(value: int) -> ir.Attribute:
    """An i64."""
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)


def to_integer(attribute: ir.Attribute, name: str) -> int:
    """The inverse of `integer`. name: for the error. Raises InputError."""
    if not isinstance(attribute, ir.IntegerAttr):
        raise InputError(f"attribute `{name}` of the module is `{attribute}`, no integer")
    return int(attribute.value)


def real(value: float) -> ir.Attribute:
    """An f64."""
    return ir.FloatAttr.get(ir.F64Type.get(), value)


def to_real(attribute: ir.Attribute, name: str) -> float:
    """The inverse of `real`. name: for the error. Raises InputError."""
    if not isinstance(attribute, ir.FloatAttr):
        raise InputError(f"attribute `{name}` of the module is `{attribute}`, no real number")
    return float(attribute.value)


def to_word(attribute: ir.Attribute, name: str) -> str:
    """The text of a string attribute. Raises InputError."""
    if not isinstance(attribute, ir.StringAttr):
        raise InputError(f"attribute `{name}` of the module is `{attribute}`, no string")
    return attribute.value


def integers(values: Sequence[int]) -> ir.Attribute:
    """`dense<…> : tensor<Nxi64>`: `array<i64>` comes back as this from a portable artifact."""
    return _dense(np.array(values, np.int64))


def to_integers(attribute: ir.Attribute, name: str, count: int) -> list[int]:
    """The inverse of `integers`, where `count` of them must be. Raises InputError."""
    return _to_array(attribute, name, (count,)).tolist()  # type: ignore[no-any-return]


def dictionary(values: Mapping[str, Any]) -> ir.Attribute:
    """A dictionary of integers, floats and strings; `None` is left out."""
    return ir.DictAttr.get({key: _scalar(v) for key, v in values.items() if v is not None})


def _scalar(value: Any) -> ir.Attribute:
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return real(value)
    return ir.StringAttr.get(value)


def _dense(values: npt.NDArray[np.int64]) -> ir.Attribute:
    get: Any = ir.DenseIntElementsAttr.get  # its stubs don't know that arrays are buffers
    found: ir.Attribute = get(values)
    return found


def entries(attribute: ir.Attribute, name: str) -> dict[str, ir.Attribute]:
    """A dictionary attribute as a dictionary. Raises InputError."""
    if not isinstance(attribute, ir.DictAttr):
        raise InputError(f"attribute `{name}` of the module is `{attribute}`, no dictionary")
    named: Any = attribute  # its stubs don't know that it is iterable
    return {item.name: item.attr for item in named}


def to_dictionary(attribute: ir.Attribute, name: str) -> dict[str, Any]:
    """The inverse of `dictionary`. Raises InputError."""
    found: dict[str, Any] = {}
    for key, value in entries(attribute, name).items():
        if not isinstance(value, (ir.IntegerAttr, ir.FloatAttr, ir.StringAttr)):
            raise InputError(
                f"attribute `{name}.{key}` of the module is `{value}`, no number or string"
            )
        found[key] = value.value
    return found


def to_value(kind: type[T], attribute: ir.Attribute, name: str, **given: Any) -> T:
    """A frozen value of ours from a dictionary attribute and what is `given`. Raises InputError."""
    values = to_dictionary(attribute, name)
    hints = get_type_hints(kind)
    for key, value in values.items():
        if key not in hints or key in given:
            raise InputError(f"attribute `{name}` of the module has the unknown key `{key}`")
        if type(value) not in _types(hints[key]):
            raise InputError(f"attribute `{name}.{key}` of the module is `{value}`")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING
        if required and field.name not in values and field.name not in given:
            raise InputError(f"attribute `{name}` of the module lacks the key `{field.name}`")
    return kind(**values, **given)


def _types(hint: Any) -> set[type]:
    """The classes that a field's value may have; a float's may be an int."""
    if isinstance(hint, type):
        return {float, int} if hint is float else {hint}
    arguments = get_args(hint)
    return set().union(*(_types(a) if not isinstance(a, str) else {str} for a in arguments))


def table(rows: Sequence[Sequence[int]], columns: int) -> ir.Attribute:
    """int64[N, columns] as a dense attribute."""
    return _dense(np.array(rows, np.int64).reshape(len(rows), columns))


def to_table(attribute: ir.Attribute, name: str, columns: int) -> list[list[int]]:
    """The inverse of `table`. Raises InputError."""
    return _to_array(attribute, name, (None, columns)).tolist()  # type: ignore[no-any-return]


def _to_array(
    attribute: ir.Attribute, name: str, shape: tuple[int | None, ...]
) -> npt.NDArray[np.int64]:
    """int64[shape]; None: any number."""
    if isinstance(attribute, ir.DenseIntElementsAttr):
        array = np.array(attribute).astype(np.int64)
        if len(array.shape) == len(shape) and all(
            want in (None, got) for got, want in zip(array.shape, shape, strict=True)
        ):
            return array
    wanted = "x".join("N" if count is None else str(count) for count in shape)
    raise InputError(f"attribute `{name}` of the module is `{attribute}`, no tensor<{wanted}xi64>")
