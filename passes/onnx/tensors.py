"""Tensors and element types of an ONNX file as numpy's."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes
from cosmalloc.passes.onnx.wire import Message

Array = npt.NDArray[Any]

TYPES: dict[int, np.dtype[Any]] = {
    number: np.dtype(kind)
    for number, kind in {
        1: np.float32,
        2: np.uint8,
        3: np.int8,
        4: np.uint16,
        5: np.int16,
        6: np.int32,
        7: np.int64,
        9: np.bool_,
        10: np.float16,
        11: np.float64,
        12: np.uint32,
        13: np.uint64,
        14: np.complex64,
        15: np.complex128,
        16: ml_dtypes.bfloat16,
    }.items()
}
LIMIT = 2**31  # bytes of one constant


def element_type(number: int, what: str) -> np.dtype[Any]:
    """dtype of ONNX's element type `number`. Raises InputError that names `what`."""
    found = TYPES.get(number)
    if found is None:
        known = "strings" if number == 8 else f"elements of ONNX's type {number}"
        raise InputError(f"{what} has {known}, which are not read")
    return found


def array_of(tensor: Message, folder: Path | None) -> Array:
    """The values of a TensorProto. folder: where its external data lies. Raises InputError."""
    what = f"tensor `{tensor.get('name', '')}`"
    kind = element_type(tensor.get("data_type", 0), what)
    shape = tuple(tensor.get("dims", ()))
    if any(size < 0 for size in shape) or prod(shape) * kind.itemsize > LIMIT:
        raise InputError(f"{what} has the shape {list(shape)}, which can't be")
    flat = _flat(tensor, kind, what, folder)
    if flat.size != prod(shape):
        raise InputError(
            f"{what} holds {flat.size} elements, its shape {list(shape)} wants {prod(shape)}"
        )
    return flat.reshape(shape)


def _flat(tensor: Message, kind: np.dtype[Any], what: str, folder: Path | None) -> Array:
    if tensor.get("data_location", 0) == 1:
        return _from_bytes(_external(tensor, what, folder), kind, what)
    if "raw_data" in tensor:
        return _from_bytes(tensor["raw_data"], kind, what)
    for name in ("float_data", "double_data", "int64_data", "uint64_data", "int32_data"):
        if name in tensor:
            return _from_list(tensor[name], name, kind, what)
    return np.zeros(0, kind)


def _from_bytes(data: bytes | memoryview, kind: np.dtype[Any], what: str) -> Array:
    if len(data) % kind.itemsize:
        raise InputError(f"{what} holds {len(data)} bytes, no multiple of {kind.itemsize}")
    return np.frombuffer(data, kind.newbyteorder("<") if kind.kind in "iufc" else kind).astype(kind)


def _from_list(values: list[Any], name: str, kind: np.dtype[Any], what: str) -> Array:
    try:
        if kind.kind == "c":
            part = np.array(values, "f4" if kind.itemsize == 8 else "f8")
            return part.view(kind)
        if name == "int32_data" and kind.name in ("float16", "bfloat16"):
            return np.array(values, np.int64).astype(np.uint16).view(kind)
        return np.array(values).astype(kind)
    except (OverflowError, ValueError, TypeError):
        raise InputError(f"{what} holds values that are no {kind}") from None


def _external(tensor: Message, what: str, folder: Path | None) -> bytes:
    """The bytes of a tensor that lies in a file beside the model, never outside its folder."""
    entries = {e.get("key", ""): e.get("value", "") for e in tensor.get("external_data", ())}
    location = entries.get("location", "")
    if folder is None or not location:
        raise InputError(
            f"{what} lies in another file, which is not known", "give the model as a file"
        )
    path = (folder / location).resolve()
    if folder.resolve() not in path.parents:
        raise InputError(f"{what} lies in {location}, outside the model's folder")
    try:
        start, length = int(entries.get("offset", "0")), int(entries.get("length", "-1"))
    except ValueError:
        raise InputError(f"{what} has an external place that is no number") from None
    data = read_bytes(path, LIMIT)
    stop = len(data) if length < 0 else start + length
    if not 0 <= start <= stop <= len(data):
        raise InputError(
            f"{what} lies at bytes {start} to {stop} of {location}, which has {len(data)}"
        )
    return data[start:stop]
