"""Layers that the example models share, and the shapes of their parameters.

Images are NHWC, convolution weights HWIO, dense weights [in, out]. Batch normalisation is in the
form it has at inference: one factor (`scale`) and one summand (`shift`) per channel. A function
whose name ends in `_shapes` gives the parameters its sibling takes, as `jax.ShapeDtypeStruct`s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Any]
Model = tuple[Callable[..., Any], tuple[Any, ...]]  # function, shapes of its arguments


def shape(*sizes: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def dense_shapes(inputs: int, outputs: int) -> Params:
    return {"w": shape(inputs, outputs), "b": shape(outputs)}


def dense(params: Params, x: Array) -> Array:
    return x @ params["w"] + params["b"]


def conv_shapes(size: int, inputs: int, outputs: int, groups: int = 1) -> Params:
    weights = shape(size, size, inputs // groups, outputs)
    return {"w": weights, "scale": shape(outputs), "shift": shape(outputs)}


def conv(params: Params, x: Array, stride: int = 1, groups: int = 1) -> Array:
    """Convolution with `SAME` padding, then the folded batch normalisation."""
    y = lax.conv_general_dilated(
        x,
        params["w"],
        window_strides=(stride, stride),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    return y * params["scale"] + params["shift"]


def max_pool(x: Array, size: int, stride: int) -> Array:
    window, strides = (1, size, size, 1), (1, stride, stride, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "SAME")


def norm_shapes(width: int) -> Params:
    return {"scale": shape(width), "shift": shape(width)}


def layer_norm(params: Params, x: Array) -> Array:
    mean = x.mean(axis=-1, keepdims=True)
    variance = jnp.square(x - mean).mean(axis=-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * params["scale"] + params["shift"]
