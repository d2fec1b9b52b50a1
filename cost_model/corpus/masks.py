"""What attention does to its scores before the softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from cosmalloc.cost_model.corpus.draw import Draw
from cosmalloc.cost_model.corpus.sequence_layers import integers

Change = Callable[[Array], Array]
FAR = -1e9  # a score that the mask hides


def causal(draw: Draw) -> Change:
    """Queries see keys up to their own place; now and then only a window of them."""
    added, window = draw.flip(), draw.size(2, 64) if draw.flip(0.2) else None

    def change(scores: Array) -> Array:
        rows = jnp.arange(scores.shape[-2])[:, None]
        columns = jnp.arange(scores.shape[-1])[None, :]
        seen = columns <= rows
        if window is not None:
            seen = seen & (rows - columns < window)
        if added:
            return scores + jnp.where(seen, 0.0, FAR).astype(scores.dtype)
        return jnp.where(seen, scores, jnp.asarray(FAR, scores.dtype))

    return change


def padding(batch: int, keys: int) -> tuple[ShapeDtypeStruct, Callable[[Array], Change]]:
    """(shape of the mask, int32, mask -> change): a key is seen where the mask isn't zero."""

    def make(mask: Array) -> Change:
        def change(scores: Array) -> Array:
            hidden = (1 - mask.astype(scores.dtype)) * FAR
            return scores + hidden[:, None, None, :]

        return change

    return integers(batch, keys), make


def rotary(draw: Draw) -> Change:
    """Pairs of features turned by an angle that grows with the place (batch, length, heads, d)."""
    base, halves = draw.one((1e4, 5e5)), draw.flip()

    def turn(x: Array) -> Array:
        half = x.shape[-1] // 2
        rates = base ** (-jnp.arange(half, dtype="float32") / half)
        angles = jnp.arange(x.shape[1], dtype="float32")[:, None] * rates
        cos, sin = (f(angles)[None, :, None].astype(x.dtype) for f in (jnp.cos, jnp.sin))
        a, b = (x[..., :half], x[..., half:]) if halves else (x[..., ::2], x[..., 1::2])
        turned: tuple[Any, Any] = (a * cos - b * sin, b * cos + a * sin)
        if halves:
            return jnp.concatenate(turned, axis=-1)
        return jnp.stack(turned, axis=-1).reshape(x.shape)

    return turn
