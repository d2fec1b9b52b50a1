"""TOSA's convolutions, pools and matrix products; batch first, channels last."""

from __future__ import annotations

from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Op, Value
from cosmalloc.passes.tosa.elementwise import like, tosa


def _centred(x: Value, zero: Value) -> Value:
    """Without the zero point; whole numbers become 32 bits wide."""
    if x.dtype.kind not in "iu":
        return x
    wide = x.astype(np.int64 if x.dtype.itemsize == 2 else np.int32)
    return wide if zero is None else wide - zero.astype(wide.dtype)


def _zeros(op: Op, rest: tuple[Value, ...]) -> tuple[Value, Value]:
    """Zero points of input and kernel: operands, or attributes in older texts."""
    if rest:
        return rest[0], rest[1]
    names = ("input_zp", "weight_zp")
    if not op.has(names[0]):
        return None, None
    return np.array(op.number(names[0])), np.array(op.number(names[1]))


def _convolved(
    op: Op, x: Value, w: Value, b: Value, rest: tuple[Value, ...], layout: str, groups: int = 1
) -> Value:
    zero_x, zero_w = _zeros(op, rest)
    spatial = "0123456789"[: x.ndim - 2]
    pads = op.ints("pad")
    made = lax.conv_general_dilated(
        _centred(x, zero_x),
        _centred(w, zero_w),
        op.ints("stride"),
        list(zip(pads[::2], pads[1::2], strict=True)),
        rhs_dilation=op.ints("dilation"),
        dimension_numbers=(f"N{spatial}C", layout.replace("*", spatial), f"N{spatial}C"),
        feature_group_count=groups,
    )
    kind = op.result()[1]
    return made.astype(kind) + b.astype(kind)


@tosa("conv2d", "conv3d")
def _conv(op: Op, x: Value, w: Value, b: Value, *rest: Value) -> Value:
    return _convolved(op, x, w, b, rest, "O*I")


@tosa("depthwise_conv2d")
def _depthwise(op: Op, x: Value, w: Value, b: Value, *rest: Value) -> Value:
    """w: [height, width, channels, multiplier]."""
    height, width, channels, times = w.shape
    zero_x, zero_w = _zeros(op, rest)
    kernel = w.reshape(height, width, 1, channels * times)
    return _convolved(op, x, kernel, b, (zero_x, zero_w), "*IO", channels)


@tosa("transpose_conv2d")
def _transpose_conv(op: Op, x: Value, w: Value, b: Value, *rest: Value) -> Value:
    zero_x, zero_w = _zeros(op, rest)
    pads, height, width = op.ints("out_pad"), w.shape[1], w.shape[2]
    made = lax.conv_general_dilated(
        _centred(x, zero_x),
        jnp.flip(_centred(w, zero_w), (1, 2)),
        (1, 1),
        [(height - 1 + pads[0], height - 1 + pads[1]), (width - 1 + pads[2], width - 1 + pads[3])],
        lhs_dilation=op.ints("stride"),
        dimension_numbers=("NHWC", "OHWI", "NHWC"),
    )
    kind = op.result()[1]
    return made.astype(kind) + b.astype(kind)


@tosa("matmul")
def _matmul(op: Op, a: Value, b: Value, *zeros: Value) -> Value:
    zero_a, zero_b = zeros if zeros else (None, None)
    left, right = _centred(a, zero_a), _centred(b, zero_b)
    made = lax.dot_general(left, right, (((2,), (1,)), ((0,), (0,))))
    return made.astype(op.result()[1])


def _windows(op: Op, x: Value, start: Any, by: Any) -> Value:
    pads = op.ints("pad")
    kernel, stride = op.ints("kernel"), op.ints("stride")
    padding = ((0, 0), (pads[0], pads[1]), (pads[2], pads[3]), (0, 0))
    return lax.reduce_window(x, start, by, (1, *kernel, 1), (1, *stride, 1), padding)


@tosa("max_pool2d")
def _max_pool(op: Op, x: Value) -> Value:
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    least = -np.inf if floating else np.iinfo(np.dtype(x.dtype)).min
    return _windows(op, x, like(least, x), lax.max)


@tosa("avg_pool2d")
def _avg_pool(op: Op, x: Value, zero_in: Value = None, zero_out: Value = None) -> Value:
    """The mean over what lies within the input; whole numbers are rounded as TOSA says."""
    pads, kernel, stride = op.ints("pad"), op.ints("kernel"), op.ints("stride")
    _, height, width, _ = op.result()[0]
    counts = np.outer(
        _inside(x.shape[1], pads[0], kernel[0], stride[0], height),
        _inside(x.shape[2], pads[2], kernel[1], stride[1], width),
    )[None, :, :, None]
    if x.dtype.kind not in "iu":
        return _windows(op, x, like(0, x), lax.add) / like(counts, x)
    wide = x.astype(np.int32)
    total = _windows(op, wide, np.int32(0), lax.add).astype(np.int64)
    if zero_in is not None:
        total = total - zero_in.astype(np.int64) * counts
    factor, shift = _reciprocal(counts)
    made = (total * factor + (np.int64(1) << (shift - 1))) >> shift
    made = made if zero_out is None else made + zero_out.astype(np.int64)
    limits = np.iinfo(np.dtype(x.dtype))
    return jnp.clip(made, limits.min, limits.max).astype(x.dtype)


def _inside(size: int, low: int, kernel: int, stride: int, out: int) -> Any:
    starts = np.arange(out) * stride - low
    return np.minimum(starts + kernel, size) - np.maximum(starts, 0)


def _reciprocal(counts: Any) -> tuple[Any, Any]:
    """1 / count as multiplier and shift (TOSA's `reciprocal_scale`)."""
    bits = np.ceil(np.log2(counts)).astype(np.int64)
    factor = ((np.int64(1) << 30) + 1 << bits) // counts
    return factor, 30 + bits


@tosa("reduce_all", "reduce_any", "reduce_max", "reduce_min", "reduce_product", "reduce_sum")
def _reduce(op: Op, x: Value) -> Value:
    kinds = {"product": "prod"}
    word = op.name.rpartition("_")[2]
    axis = op.number("axis")
    made = getattr(jnp, kinds.get(word, word))(jnp.asarray(x), axis, keepdims=True)
    return made.astype(op.result()[1])


@tosa("argmax")
def _argmax(op: Op, x: Value) -> Value:
    return lax.argmax(jnp.asarray(x), op.number("axis"), op.result()[1])


@tosa("rfft2d", "fft2d")
def _fft(op: Op, real: Value, imaginary: Value = None) -> Any:
    points = lax.complex(real, real * 0 if imaginary is None else imaginary)
    back = op.flag("inverse")
    made = jnp.fft.ifft2(points) * prod(real.shape[-2:]) if back else jnp.fft.fft2(points)
    if op.name == "tosa.rfft2d":
        made = jnp.fft.rfft2(real)
    return jnp.real(made).astype(real.dtype), jnp.imag(made).astype(real.dtype)
