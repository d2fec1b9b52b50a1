"""Operations on every element of a tensor, alone or with its partner."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw

Unary = Callable[[Array], Array]
Binary = Callable[[Array, Array], Array]

CHEAP: tuple[Unary, ...] = (
    jnp.abs,
    jnp.negative,
    jnp.square,
    jnp.floor,
    jnp.ceil,
    jnp.sign,
    jnp.round,
    jax.nn.relu,
    lambda x: jnp.clip(x, -1, 1),
    lambda x: jnp.clip(x, 0, 6),
    lambda x: 1 / (jnp.abs(x) + 1),
    lambda x: jnp.where(x > 0, x, 0.1 * x),
    lambda x: (x > 0.5).astype(x.dtype),
    lambda x: jnp.where(jnp.isfinite(x), x, 0),
    lambda x: x.astype("int32").astype(x.dtype),
    lambda x: (x.astype("int32") % 7 + 3).astype(x.dtype),
    lambda x: (x.astype("int32") << 2 ^ 5).astype(x.dtype),
    lambda x: x.astype("bfloat16").astype("float32").astype(x.dtype),
    lambda x: x.astype("float32").astype("float16").astype(x.dtype),
    lambda x: jnp.round(x * 16).astype("int8").astype(x.dtype) / 16,
)
COSTLY: tuple[Unary, ...] = (
    jnp.exp,
    jnp.tanh,
    jnp.sin,
    jnp.cos,
    jax.lax.erf,
    jax.nn.sigmoid,
    jax.nn.silu,
    jax.nn.softplus,
    jax.nn.gelu,
    jnp.expm1,
    jnp.arctan,
    lambda x: jnp.cbrt(x),
    lambda x: jnp.log(jnp.abs(x) + 1e-3),
    lambda x: jnp.log1p(jnp.abs(x)),
    lambda x: jnp.sqrt(jnp.abs(x)),
    lambda x: jax.lax.rsqrt(jnp.square(x) + 1e-5),
    lambda x: jnp.exp2(x),
    lambda x: jnp.power(jnp.abs(x), 1.7),
    lambda x: jax.nn.gelu(x, approximate=False),
)
BINARY: tuple[Binary, ...] = (
    jnp.add,
    jnp.add,
    jnp.subtract,
    jnp.multiply,
    jnp.multiply,
    jnp.maximum,
    jnp.minimum,
    lambda x, y: x / (jnp.abs(y) + 1),
    lambda x, y: x * jax.nn.sigmoid(y),
    lambda x, y: jnp.square(x - y),
    lambda x, y: jnp.power(jnp.abs(x) + 0.1, y),
    lambda x, y: jnp.remainder(x, jnp.abs(y) + 1),
    lambda x, y: jnp.arctan2(x, y),
    lambda x, y: jnp.hypot(x, y),
    lambda x, y: ((x > 0) & (y > 0)).astype(x.dtype),
    lambda x, y: ((x > 0) | (y < 0)).astype(x.dtype),
)
COMPARISONS: tuple[Binary, ...] = (
    jnp.greater,
    jnp.less,
    jnp.greater_equal,
    jnp.less_equal,
    jnp.equal,
    jnp.not_equal,
)


def unary(draw: Draw, x: Array) -> Array:
    """One to three of them; now and then scaled, shifted or told its place by an iota."""
    for _ in range(draw.one((1, 1, 2, 3))):
        x = draw.one(CHEAP if draw.flip() else COSTLY)(x)
    if draw.flip(0.2):
        x = x * round(float(draw.generator.normal()), 3) + 0.5
    if x.ndim and draw.flip(0.1):
        axis = draw.one(range(x.ndim))
        x = x + jax.lax.broadcasted_iota(x.dtype, x.shape, axis)
    return x


def binary(draw: Draw, x: Array, y: Array) -> Array:
    function = draw.one(BINARY)
    return function(x, y) if draw.flip() else function(y, x)


def select(draw: Draw, x: Array, y: Array) -> Array:
    """One of the two, or one of them and a number, where a comparison holds."""
    holds = draw.one(COMPARISONS)(x, y)
    if draw.flip(0.3):
        holds = ~holds
    other = jnp.zeros((), x.dtype) if draw.flip(0.3) else y
    return jnp.where(holds, x, other) if draw.flip() else jnp.where(holds, other, x)
