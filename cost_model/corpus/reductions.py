"""Reductions along random dimensions, running ones, and norms made of them."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw

REDUCTIONS: tuple[Callable[..., Array], ...] = (
    jnp.sum,
    jnp.sum,
    jnp.mean,
    jnp.max,
    jnp.min,
    jnp.prod,
    jnp.var,
    jax.nn.logsumexp,
    lambda x, **options: jnp.any(x > 1, **options).astype(x.dtype),
)
RUNNING: tuple[Callable[..., Array], ...] = (jnp.cumsum, jnp.cumprod, jax.lax.cummax)
LONGEST_RUN = 1 << 19  # elements of a tensor whose running sums are taken


def reduce(draw: Draw, x: Array) -> Array:
    """Away with some dimensions; or each element set against the whole of them."""
    if not x.ndim:
        return x + 1
    axes = _axes(draw, x.ndim)
    kind = draw.generator.random()
    if kind < 0.45:
        return draw.one(REDUCTIONS)(x, axis=axes, keepdims=draw.flip())
    if kind < 0.6:
        return jax.nn.softmax(x, axis=axes)
    if kind < 0.75:
        y = x - x.mean(axes, keepdims=True)
        return y * jax.lax.rsqrt(jnp.square(y).mean(axes, keepdims=True) + 1e-5)
    if kind < 0.85:
        return x / (jnp.max(jnp.abs(x), axis=axes, keepdims=True) + 1e-3)
    if kind < 0.93:
        axis = axes[0]
        function = draw.one((jnp.argmax, jnp.argmin))
        return function(x, axis=axis).astype(x.dtype)
    return draw.one(RUNNING)(x, axis=axes[0]) if x.size < LONGEST_RUN else x.sum(axes)


def _axes(draw: Draw, rank: int) -> tuple[int, ...]:
    """One to all dimensions, mostly one, mostly the last."""
    if draw.flip(0.4):
        return (rank - 1,)
    count = draw.one([1, 1, *range(1, rank + 1)])
    return tuple(sorted(int(i) for i in draw.generator.permutation(rank)[:count]))
