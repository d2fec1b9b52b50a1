"""Attention between the places of feature maps; channels last."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.image_layers import dense
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network


def head_sizes(net: Network, batch: int, queries: int, keys: int) -> tuple[int, int]:
    """(heads, width of a head) whose scores are small enough."""
    most = LARGEST // (batch * queries * keys)
    heads = net.draw.one([heads for heads in (1, 1, 2, 4) if heads <= most])
    return heads, net.draw.one((8, 16, 32, 64))


def attend(net: Network, x: Array, memory: Array | None, heads: int, wide: int) -> Array:
    """float[n, q, c] that reads `memory`, float[n, k, c], or itself: float[n, q, c]."""
    n, queries, inner = x.shape
    if memory is None and net.draw.flip():
        parts = jnp.split(dense(net, x, 3 * heads * wide, bias=net.bias), 3, axis=-1)
    else:
        read = x if memory is None else memory
        parts = [dense(net, part, heads * wide, bias=net.bias) for part in (x, read, read)]
    query, key, value = (part.reshape(n, -1, heads, wide) for part in parts)
    scores = jnp.einsum("nqhc,nkhc->nhqk", query, key) / math.sqrt(wide)
    mixed = jnp.einsum("nhqk,nkhc->nqhc", jax.nn.softmax(scores), value)
    return dense(net, mixed.reshape(n, queries, -1), inner)
