"""Interpolation along one axis: result[o] = sum over taps of weight[o] * x[index[o]]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tap:
    """index: i32[out] into the axis. weight: f64[out], None for 1."""

    index: Array
    weight: Array | None


def along(x: Any, axis: int, taps: list[Tap]) -> Any:
    """Resize one axis of a JAX array."""
    from cosmalloc.passes.onnx.common import take

    shape = tuple(-1 if d == axis else 1 for d in range(x.ndim))
    total = None
    for tap in taps:
        part = take(x, tap.index, axis)
        if tap.weight is not None:
            if not tap.weight.any():
                continue
            part = part * tap.weight.reshape(shape).astype(np.dtype(x.dtype))
        total = part if total is None else total + part
    return total
