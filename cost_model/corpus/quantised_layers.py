"""Layers of int8: products accumulate in int32, and results become int8 again by a scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from cosmalloc.cost_model.corpus.draw import Draw
from cosmalloc.cost_model.corpus.sequence_layers import Layer, floats, integers


def bytes_of(*shape: int) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(shape, "int8")  # type: ignore[no-untyped-call]


def rounded(x: Array, low: int = -128) -> Array:
    """The nearest int8."""
    return jnp.clip(jnp.round(x), low, 127).astype("int8")


def dequantised(draw: Draw) -> Callable[[Array], Array]:
    """int8 or int32 to the model's floating dtype, by a constant scale."""
    scale, zero, dtype = draw.one((0.0173, 0.0078125, 0.05)), draw.one((0, 0, 3, -128)), draw.dtype

    def apply(x: Array) -> Array:
        if zero and x.dtype == jnp.int8:
            x = x.astype("int32") - zero
        return x.astype(dtype) * scale

    return apply


def requantised(draw: Draw, channels: int, clipped: bool | None = None) -> Layer:
    """int32 (..., channels) to int8: bias, a scale per channel or per tensor or a shift, clip.

    clipped: whether negative results become the zero point, as a relu; drawn by default.
    """
    kind, biased = draw.one(("channel", "channel", "tensor", "shift")), draw.flip(0.8)
    zero = draw.one((0, 0, -128, 4))
    low = (zero if zero > -128 else -128) if (draw.flip() if clipped is None else clipped) else -128
    scale, shift = draw.one((0.0021, 0.00048828125)), draw.one((6, 8, 10))
    shapes = {"bias": integers(channels)} if biased else {}
    if kind == "channel":
        shapes["scale"] = floats(draw, channels)

    def apply(params: Any, x: Array) -> Any:
        if biased:
            x = x + params["bias"]
        if kind == "shift":
            y = ((x + (1 << (shift - 1))) >> shift) + zero
            return jnp.clip(y, low, 127).astype("int8")
        y = x.astype(draw.dtype) * (params["scale"] if kind == "channel" else scale)
        return rounded(y + zero if zero else y, low)

    return Layer(shapes, apply)


def product(x: Array, weights: Array, across: int = 0) -> Array:
    """int32, the last dimension of `x` against dimension `across` of the weights."""
    dimensions = (((x.ndim - 1,), (across,)), ((), ()))
    return jax.lax.dot_general(x, weights, dimensions, preferred_element_type=jnp.int32)


def dense(draw: Draw, inputs: int, outputs: int, clipped: bool | None = None) -> Layer:
    """int8 to int8; now and then the weights lie transposed."""
    across = draw.one((0, 0, 0, 1))
    weights = bytes_of(outputs, inputs) if across else bytes_of(inputs, outputs)
    ending = requantised(draw, outputs, clipped)

    def apply(params: Any, x: Array) -> Any:
        return ending.apply(params[1], product(x, params[0], across))

    return Layer((weights, ending.shapes), apply)


def convolution(
    draw: Draw,
    kernel: tuple[int, int],
    inputs: int,
    outputs: int,
    stride: int = 1,
    groups: int = 1,
    clipped: bool | None = None,
) -> Layer:
    """int8 (batch, rows, columns, inputs) to int8, padded so that `stride` divides the size."""
    ending, layout = requantised(draw, outputs, clipped), ("NHWC", "HWIO", "NHWC")

    def apply(params: Any, x: Array) -> Any:
        y = jax.lax.conv_general_dilated(
            x,
            params[0],
            (stride, stride),
            "SAME",
            dimension_numbers=layout,
            feature_group_count=groups,
            preferred_element_type=jnp.int32,
        )
        return ending.apply(params[1], y)

    return Layer((bytes_of(*kernel, inputs // groups, outputs), ending.shapes), apply)


def added(draw: Draw) -> Callable[[Array, Array], Array]:
    """The sum of two int8 tensors of different scales."""
    first, second = draw.one((0.5, 0.73)), draw.one((1.0, 0.61))
    dtype, relu = draw.dtype, draw.flip(0.3)

    def apply(x: Array, y: Array) -> Array:
        total = x.astype(dtype) * first + y.astype(dtype) * second
        return rounded(total, 0 if relu else -128)

    return apply
