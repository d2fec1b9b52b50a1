"""Windows of ONNX's convolutions and pools.

    out = floor((in + low + high - ((kernel - 1) * dilation + 1)) / stride) + 1

With `ceil_mode` the quotient is rounded up, as long as the last window begins within the input or
the padding before it; `high` is widened here so that floor gives the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosmalloc.passes.onnx.graph import Node
from cosmalloc.passes.onnx.tensors import Array


@dataclass(frozen=True)
class Sliding:
    """Per spatial dimension. asked: the padding that the file says, which averages may count."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    asked: tuple[tuple[int, int], ...]

    def counts(self, sizes: Sequence[int], padded: bool, kind: np.dtype[Any]) -> Array:
        """Elements that each window averages over: (1, 1, out, ...)."""
        total = np.ones((), np.int64)
        for d, size in enumerate(sizes):
            low, high = self.padding[d]
            reach = (self.kernel[d] - 1) * self.dilations[d] + 1
            out = (size + low + high - reach) // self.strides[d] + 1
            places = np.arange(out)[:, None] * self.strides[d] - low
            places = places + np.arange(self.kernel[d]) * self.dilations[d]
            first, last = (-self.asked[d][0], size + self.asked[d][1]) if padded else (0, size)
            inside = ((places >= first) & (places < last)).sum(1)
            total = total[..., None] * inside
        return total[None, None].astype(kind)


def sliding(
    node: Node, sizes: Sequence[int], kernel: Sequence[int], *, rounds_up: bool = False
) -> Sliding:
    """The windows of a node over an input of these spatial sizes. Raises InputError."""
    count = len(sizes)
    shape = tuple(node.attr("kernel_shape", list(kernel)))
    strides = tuple(node.attr("strides", [1] * count))
    dilations = tuple(node.attr("dilations", [1] * count))
    pads = node.attr("pads", [0] * (2 * count))
    if {len(shape), len(strides), len(dilations), len(pads) / 2} != {count}:
        raise node.fault(f"has windows that do not fit {count} spatial dimensions")
    if min((*shape, *strides, *dilations), default=1) < 1:
        raise node.fault("has a window, a stride or a dilation below 1")
    auto = node.attr("auto_pad", "NOTSET")
    up = rounds_up and bool(node.attr("ceil_mode", 0))
    asked, used = [], []
    for d, size in enumerate(sizes):
        reach = (shape[d] - 1) * dilations[d] + 1
        low, high = _automatic(auto, size, reach, strides[d]) or (pads[d], pads[d + count])
        asked.append((low, high))
        if up:
            whole = -(-(size + low + high - reach) // strides[d]) + 1
            if (whole - 1) * strides[d] >= size + low:
                whole -= 1
            high = max(high, (whole - 1) * strides[d] + reach - size - low)
        used.append((low, high))
    return Sliding(shape, strides, dilations, tuple(used), tuple(asked))


def _automatic(auto: str, size: int, reach: int, stride: int) -> tuple[int, int] | None:
    if auto == "VALID":
        return (0, 0)
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        return None
    total = max(0, (-(-size // stride) - 1) * stride + reach - size)
    low = total // 2 if auto == "SAME_UPPER" else total - total // 2
    return (low, total - low)
