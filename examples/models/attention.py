"""Multi-head attention and the feed-forward block, shared by the transformers here."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.layers import Params, dense, dense_shapes, layer_norm, norm_shapes


def block_shapes(width: int, hidden: int) -> Params:
    """Parameters of a block: attention over `width` features, feed-forward over `hidden`."""
    return {
        "query": dense_shapes(width, width),
        "key": dense_shapes(width, width),
        "value": dense_shapes(width, width),
        "out": dense_shapes(width, width),
        "norm1": norm_shapes(width),
        "up": dense_shapes(width, hidden),
        "down": dense_shapes(hidden, width),
        "norm2": norm_shapes(width),
    }


def split_heads(x: Array, heads: int) -> Array:
    """[batch, time, width] -> [batch, heads, time, width / heads]."""
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).transpose(0, 2, 1, 3)


def join_heads(x: Array) -> Array:
    """[batch, heads, time, features] -> [batch, time, heads * features]."""
    batch, heads, time, features = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, time, heads * features)


def attend(query: Array, key: Array, value: Array, mask: Array | None = None) -> Array:
    """softmax(query @ key^T / sqrt(features) where mask, else 0) @ value, per batch and head.

    query: [batch, heads, time, features]; key, value: [batch, heads, seen, features];
    mask: bool, broadcast to [batch, heads, time, seen], true where a position may be looked at;
    without one all may.
    """
    scores = jnp.einsum("bhtd,bhsd->bhts", query, key) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = jnp.where(mask, scores, -1e9)
    weights = jax.nn.softmax(scores, axis=-1)
    return jnp.einsum("bhts,bhsd->bhtd", weights, value)


def self_attention(params: Params, x: Array, mask: Array | None, heads: int) -> Array:
    query, key, value = (
        split_heads(dense(params[name], x), heads) for name in ("query", "key", "value")
    )
    return dense(params["out"], join_heads(attend(query, key, value, mask)))


def feed_forward(params: Params, x: Array, activation: Callable[[Array], Array]) -> Array:
    return dense(params["down"], activation(dense(params["up"], x)))


def post_norm_block(params: Params, x: Array, mask: Array, heads: int) -> Array:
    """A block as in BERT: add, then normalise; exact GELU."""
    x = layer_norm(params["norm1"], x + self_attention(params, x, mask, heads))
    return layer_norm(params["norm2"], x + feed_forward(params, x, exact_gelu))


def pre_norm_block(params: Params, x: Array, mask: Array, heads: int) -> Array:
    """A block as in GPT-2: normalise, then add; GELU in its tanh form."""
    x = x + self_attention(params, layer_norm(params["norm1"], x), mask, heads)
    return x + feed_forward(params, layer_norm(params["norm2"], x), jax.nn.gelu)


def exact_gelu(x: Array) -> Array:
    return jax.nn.gelu(x, approximate=False)


def causal_mask(time: int) -> Array:
    """bool[time, time], true where column <= row."""
    return jnp.tril(jnp.ones((time, time), dtype=bool))
