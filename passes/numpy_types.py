"""MLIR tensor types as numpy's, and arrays as bytes. One byte an element below a byte's width."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from jaxlib.mlir import ir

from cosmalloc.errors import InputError

_NAMES: dict[str, npt.DTypeLike] = {
    "i1": np.bool_,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "bf16": ml_dtypes.bfloat16,
    "complex<f32>": np.complex64,
    "complex<f64>": np.complex128,
    "i4": ml_dtypes.int4,
    "ui4": ml_dtypes.uint4,
    "i2": ml_dtypes.int2,
    "ui2": ml_dtypes.uint2,
}
for _bits in (8, 16, 32, 64):
    _NAMES[f"i{_bits}"] = np.dtype(f"int{_bits}")
    _NAMES[f"ui{_bits}"] = np.dtype(f"uint{_bits}")


def numpy_type(kind: ir.Type) -> np.dtype[Any]:
    """dtype of a ranked tensor's elements. Raises InputError."""
    return named_type(str(ir.RankedTensorType(kind).element_type))


def named_type(name: str) -> np.dtype[Any]:
    """dtype of elements whose type MLIR writes like this. Raises InputError."""
    found = _NAMES.get(name)
    if found is None:
        lower = "float8_" + name[2:].lower() if name.startswith("f8") else name
        found = getattr(ml_dtypes, lower, None)
    if found is None:
        raise InputError(f"elements of type `{name}` can't be executed")
    return np.dtype(found)


def shape_of(kind: ir.Type) -> tuple[int, ...]:
    """Shape of a ranked tensor."""
    return tuple(ir.RankedTensorType(kind).shape)


def array_bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The elements' bytes, row by row, in a buffer of their own."""
    return np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)


def array_of(data: npt.NDArray[np.uint8], kind: ir.Type) -> npt.NDArray[Any]:
    """The array of this type that these bytes are (a view's type may differ from its storage's)."""
    shape, dtype = shape_of(kind), numpy_type(kind)
    count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return np.frombuffer(data[:count].tobytes(), dtype).reshape(shape)
