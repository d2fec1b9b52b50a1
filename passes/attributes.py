"""The attributes of a mapped module, to and from our words. docs/format.md lists them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

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
OPERATOR = "mem.operator"
STEP = "mem.step"
OFFSETS = "mem.offsets"
STOPS = "mem.stops"
TRANSFERS = "mem.transfers"
NAME = "mem.name"
KIND = "mem.kind"
LIFETIMES = "mem.lifetimes"
LOAD = "mem.load"
STORE = "mem.store"


def integer(value: int) -> ir.Attribute:
    """An i64."""
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)


def integers(values: Sequence[int]) -> ir.Attribute:
    """`dense<…> : tensor<Nxi64>`: `array<i64>` comes back as this from a portable artifact."""
    return _dense(np.array(values, np.int64))


def to_integers(attribute: ir.Attribute) -> list[int]:
    """The inverse of `integers`."""
    values: list[int] = np.array(ir.DenseIntElementsAttr(attribute)).tolist()
    return values


def dictionary(values: Mapping[str, Any]) -> ir.Attribute:
    """A dictionary of integers, floats and strings; `None` is left out."""
    return ir.DictAttr.get({key: _scalar(v) for key, v in values.items() if v is not None})


def _scalar(value: Any) -> ir.Attribute:
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return ir.FloatAttr.get(ir.F64Type.get(), value)
    return ir.StringAttr.get(value)


def _dense(values: npt.NDArray[np.int64]) -> ir.Attribute:
    get: Any = ir.DenseIntElementsAttr.get  # its stubs don't know that arrays are buffers
    found: ir.Attribute = get(values)
    return found


def entries(attribute: ir.Attribute) -> dict[str, ir.Attribute]:
    """A dictionary attribute as a dictionary."""
    named: Any = ir.DictAttr(attribute)  # its stubs don't know that it is iterable
    return {item.name: item.attr for item in named}


def to_dictionary(attribute: ir.Attribute) -> dict[str, Any]:
    """The inverse of `dictionary`. Raises InputError."""
    found: dict[str, Any] = {}
    for name, value in entries(attribute).items():
        if not isinstance(value, (ir.IntegerAttr, ir.FloatAttr, ir.StringAttr)):
            raise InputError(f"attribute `{name}` of the module is `{value}`, no number or word")
        found[name] = value.value
    return found


def to_value(kind: type[T], attribute: ir.Attribute, place: str) -> T:
    """A frozen value of ours from a dictionary attribute. Raises InputError."""
    values = to_dictionary(attribute)
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if not values.keys() <= known:
        odd = sorted(values.keys() - known)
        raise InputError(f"attribute `{place}` of the module has unknown keys {odd}")
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"attribute `{place}` of the module is incomplete: {error}") from None


def table(rows: Sequence[Sequence[int]], columns: int) -> ir.Attribute:
    """int64[N, columns] as a dense attribute."""
    return _dense(np.array(rows, np.int64).reshape(len(rows), columns))


def to_table(attribute: ir.Attribute) -> list[list[int]]:
    """The inverse of `table`."""
    rows: list[list[int]] = np.array(ir.DenseIntElementsAttr(attribute)).tolist()
    return rows
