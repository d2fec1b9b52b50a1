"""ONNX operators that multiply and add: matrices and convolutions."""

from __future__ import annotations

from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.onnx.common import array, op
from cosmalloc.passes.onnx.graph import Node, Value
from cosmalloc.passes.onnx.sliding import Sliding, sliding


@op("MatMul")
def _matmul(node: Node, a: Value, b: Value) -> Value:
    return jnp.matmul(a, b)


@op("Gemm", "FusedGemm")
def _gemm(node: Node, a: Value, b: Value, c: Value = None) -> Value:
    left, right = (0 if node.attr("transA", 0) else 1), (1 if node.attr("transB", 0) else 0)
    made = lax.dot_general(a, b, (((left,), (right,)), ((), ())))
    alpha, beta = node.attr("alpha", 1.0), node.attr("beta", 1.0)
    made = made if alpha == 1 else made * array(alpha, made)
    if c is None or beta == 0:
        return made
    return made + (c if beta == 1 else c * array(beta, c))


@op("Einsum")
def _einsum(node: Node, *values: Value) -> Value:
    return jnp.einsum(node.attr("equation", ""), *values)


@op("MatMulInteger")
def _matmul_integer(node: Node, a: Value, b: Value, za: Value = None, zb: Value = None) -> Value:
    return jnp.matmul(_centred(a, za, -1), _centred(b, zb, -2))


def _centred(x: Value, zero: Value, axis: int) -> Value:
    moved = x.astype(np.int32)
    if zero is None:
        return moved
    zero = zero.astype(np.int32)
    return moved - (jnp.expand_dims(zero, axis) if zero.ndim else zero)


@op("Conv")
def _conv(node: Node, x: Value, w: Value, b: Value = None) -> Value:
    made = convolved(node, x, w, sliding(node, x.shape[2:], w.shape[2:]))
    return made if b is None else made + b.reshape(1, -1, *(1,) * (x.ndim - 2))


def convolved(node: Node, x: Value, w: Value, windows: Sliding) -> Value:
    """Batch and features first, as ONNX has them."""
    spatial = "0123456789"[: x.ndim - 2]
    return lax.conv_general_dilated(
        x,
        w,
        windows.strides,
        windows.padding,
        rhs_dilation=windows.dilations,
        dimension_numbers=("NC" + spatial, "OI" + spatial, "NC" + spatial),
        feature_group_count=node.attr("group", 1),
    )


@op("ConvInteger")
def _conv_integer(node: Node, x: Value, w: Value, zx: Value = None, zw: Value = None) -> Value:
    shape = (-1, *(1,) * (w.ndim - 1))
    moved = w.astype(np.int32)
    if zw is not None:
        moved = moved - (zw.astype(np.int32).reshape(shape) if zw.ndim else zw.astype(np.int32))
    return convolved(node, _centred(x, zx, 0), moved, sliding(node, x.shape[2:], w.shape[2:]))


@op("QLinearConv")
def _qlinear_conv(
    node: Node,
    x: Value,
    sx: Value,
    zx: Value,
    w: Value,
    sw: Value,
    zw: Value,
    sy: Value,
    zy: Value,
    b: Value = None,
) -> Value:
    per_feature = (-1, *(1,) * (w.ndim - 1))
    zero = zw.astype(np.int32)
    kernel = w.astype(np.int32) - (zero.reshape(per_feature) if zero.ndim else zero)
    sums = convolved(node, _centred(x, zx, 0), kernel, sliding(node, x.shape[2:], w.shape[2:]))
    shape = (1, -1, *(1,) * (x.ndim - 2))
    if b is not None:
        sums = sums + b.reshape(shape)
    scale = sx * sw / sy
    return _requantised(sums, scale.reshape(shape) if scale.ndim else scale, zy)


@op("QLinearMatMul")
def _qlinear_matmul(
    node: Node,
    a: Value,
    sa: Value,
    za: Value,
    b: Value,
    sb: Value,
    zb: Value,
    sy: Value,
    zy: Value,
) -> Value:
    return _requantised(jnp.matmul(_centred(a, za, -1), _centred(b, zb, -2)), sa * sb / sy, zy)


def _requantised(sums: Value, scale: Value, zero: Value) -> Value:
    limits = np.iinfo(zero.dtype)
    moved = jnp.round(sums.astype(scale.dtype) * scale) + zero.astype(scale.dtype)
    return jnp.clip(moved, limits.min, limits.max).astype(zero.dtype)


@op("ConvTranspose")
def _conv_transpose(node: Node, x: Value, w: Value, b: Value = None) -> Value:
    """A convolution of the input with holes: strides become dilations, the kernel is turned."""
    count = x.ndim - 2
    groups = node.attr("group", 1)
    inputs, per_group, *kernel = w.shape
    turned = jnp.flip(w, tuple(range(2, w.ndim)))
    grouped = turned.reshape(groups, inputs // groups, per_group, *kernel)
    weights = jnp.moveaxis(grouped, 2, 1).reshape(groups * per_group, inputs // groups, *kernel)
    strides = node.attr("strides", [1] * count)
    dilations = node.attr("dilations", [1] * count)
    spatial = "0123456789"[:count]
    made = lax.conv_general_dilated(
        x,
        weights,
        (1,) * count,
        _transposed_padding(node, x.shape[2:], kernel, strides, dilations),
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=("NC" + spatial, "OI" + spatial, "NC" + spatial),
        feature_group_count=groups,
    )
    return made if b is None else made + b.reshape(1, -1, *(1,) * count)


def _transposed_padding(
    node: Node, sizes: Any, kernel: Any, strides: Any, dilations: Any
) -> list[tuple[int, int]]:
    count = len(kernel)
    extra = node.attr("output_padding", [0] * count)
    pads = node.attr("pads", [0] * (2 * count))
    shape = node.attr("output_shape", [])
    auto = node.attr("auto_pad", "NOTSET")
    found = []
    for d in range(count):
        reach = (kernel[d] - 1) * dilations[d]
        low, high = pads[d], pads[d + count]
        if shape or auto in ("SAME_UPPER", "SAME_LOWER"):
            wanted = shape[d - count] if shape else sizes[d] * strides[d]
            total = strides[d] * (sizes[d] - 1) + extra[d] + reach + 1 - wanted
            low = total // 2 if auto == "SAME_UPPER" else total - total // 2
            high = total - low
        found.append((reach - low, reach - high + extra[d]))
    return found


@op("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(node: Node, x: Value) -> Value:
    axes = tuple(range(2, x.ndim))
    if node.op == "GlobalMaxPool":
        return jnp.max(x, axes, keepdims=True)
    return jnp.sum(x, axes, keepdims=True) / array(prod(x.shape[2:]), x)


@op("MaxPool")
def _max_pool(node: Node, x: Value) -> Value:
    if len(node.outputs) > 1 and node.outputs[1]:
        raise node.fault("returns indices, which this reader does not know")
    windows = sliding(node, x.shape[2:], node.attr("kernel_shape", []), rounds_up=True)
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return _reduced(x, array(least, x), lax.max, windows)


@op("AveragePool")
def _average_pool(node: Node, x: Value) -> Value:
    windows = sliding(node, x.shape[2:], node.attr("kernel_shape", []), rounds_up=True)
    total = _reduced(x, array(0, x), lax.add, windows)
    return total / windows.counts(x.shape[2:], bool(node.attr("count_include_pad", 0)), x.dtype)


def _reduced(x: Value, start: Value, by: Any, windows: Sliding) -> Value:
    return lax.reduce_window(
        x,
        start,
        by,
        (1, 1, *windows.kernel),
        (1, 1, *windows.strides),
        ((0, 0), (0, 0), *windows.padding),
        window_dilation=(1, 1, *windows.dilations),
    )


@op("LpPool")
def _lp_pool(node: Node, x: Value) -> Value:
    windows = sliding(node, x.shape[2:], node.attr("kernel_shape", []), rounds_up=True)
    p = node.attr("p", 2)
    sums = _reduced(jnp.abs(x) ** p, array(0, x), lax.add, windows)
    return sums ** array(1 / p, x)
