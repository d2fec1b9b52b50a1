"""Layers that the example models share, and the shapes of their parameters.

Images are NHWC, videos NDHWC; convolution weights HWIO or DHWIO, dense weights [in, out]. Batch
normalisation is in the form it has at inference: one factor (`scale`) and one summand (`shift`) per
channel. A function whose name ends in `_shapes` gives the parameters its sibling takes, as
`jax.ShapeDtypeStruct`s. Windows are padded as `SAME` says where nothing else is said; an
average counts no padding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Params = dict[str, Any]
Size = int | tuple[int, ...]  # of a window or step: an int for every axis of space and time
Model = tuple[Callable[..., Any], tuple[Any, ...]]  # function, shapes of its arguments


def shape(*sizes: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def dense_shapes(inputs: int, outputs: int) -> Params:
    return {"w": shape(inputs, outputs), "b": shape(outputs)}


def dense(params: Params, x: Array) -> Array:
    return x @ params["w"] + params["b"]


def conv_shapes(size: Size, inputs: int, outputs: int, groups: int = 1) -> Params:
    return kernel_shapes(size, inputs, outputs, groups) | norm_shapes(outputs)


def kernel_shapes(size: Size, inputs: int, outputs: int, groups: int = 1) -> Params:
    """Of `convolve`; an int is the size of a square."""
    window = (size, size) if isinstance(size, int) else size
    return {"w": shape(*window, inputs // groups, outputs)}


def conv(
    params: Params,
    x: Array,
    stride: Size = 1,
    groups: int = 1,
    dilation: int = 1,
    padding: str = "SAME",
) -> Array:
    """Convolution, then the folded batch normalisation."""
    return affine(params, convolve(params, x, stride, groups, dilation, padding))


def convolve(
    params: Params,
    x: Array,
    stride: Size = 1,
    groups: int = 1,
    dilation: int = 1,
    padding: str = "SAME",
) -> Array:
    axes = x.ndim - 2
    spatial = "DHW"[-axes:]
    return lax.conv_general_dilated(
        x,
        params["w"],
        window_strides=_per_axis(stride, axes),
        padding=padding,
        rhs_dilation=_per_axis(dilation, axes),
        dimension_numbers=(f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
        feature_group_count=groups,
    )


def affine(params: Params, x: Array) -> Array:
    return x * params["scale"] + params["shift"]


def max_pool(x: Array, size: Size, stride: Size) -> Array:
    window, strides = _pooling(x, size, stride)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "SAME")


def average_pool(x: Array, size: Size, stride: Size) -> Array:
    """Mean of the window's elements that lie inside x."""
    window, strides = _pooling(x, size, stride)
    y = lax.reduce_window(x, 0.0, lax.add, window, strides, "SAME")
    shares = [_share(x.shape[i], window[i], strides[i]) for i in range(1, x.ndim - 1)]
    if all(np.ptp(share) == 0 for share in shares):
        return y * math.prod(float(share[0]) for share in shares)
    return y * functools.reduce(lambda a, b: a[..., None] * b, map(jnp.asarray, shares))[..., None]


def _share(elements: int, size: int, stride: int) -> np.ndarray:
    """float32[windows], 1 / elements that a window holds, along one axis."""
    windows = -(-elements // stride)
    before = max((windows - 1) * stride + size - elements, 0) // 2
    start = np.arange(windows) * stride - before
    held = np.minimum(start + size, elements) - np.maximum(start, 0)
    return (1 / held).astype(np.float32)


def _pooling(x: Array, size: Size, stride: Size) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Window and steps over all axes of x."""
    axes = x.ndim - 2
    return (1, *_per_axis(size, axes), 1), (1, *_per_axis(stride, axes), 1)


def _per_axis(size: Size, axes: int) -> tuple[int, ...]:
    return (size,) * axes if isinstance(size, int) else size


def norm_shapes(width: int) -> Params:
    return {"scale": shape(width), "shift": shape(width)}


def layer_norm(params: Params, x: Array) -> Array:
    mean = x.mean(axis=-1, keepdims=True)
    variance = jnp.square(x - mean).mean(axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * params["scale"] + params["shift"]
