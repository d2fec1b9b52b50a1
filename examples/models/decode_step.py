"""One step of autoregressive decoding with a cache of keys and values that is updated in place.

Two pre-norm blocks, width 128, room for 64 positions. The cache is donated: every block writes one
row of it with `dynamic_update_slice`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from examples.models.attention import attend, block_shapes, feed_forward, join_heads, split_heads
from examples.models.layers import Model, Params, dense, layer_norm, norm_shapes, shape

LAYERS, WIDTH, HEADS, HIDDEN, TIME, WORDS = 2, 128, 4, 512, 64, 256
Cache = list[dict[str, Array]]


def decode_step(params: Params, cache: Cache, token: Array, position: Array) -> tuple[Array, Cache]:
    """token int32[1], position int32[] -> logits [1, 256] and the cache with one more row.

    cache: per block `key` and `value`, [1, heads, 64, width / heads], valid before `position`.
    """
    x = jnp.take(params["words"]["table"], token, axis=0, mode="clip")[:, None, :]
    mask = jnp.arange(TIME) <= position
    rows = []
    for index, block in enumerate(params["blocks"]):
        with jax.named_scope(f"block{index}"):
            x, row = _cached_block(block, cache[index], x, position, mask)
            rows.append(row)
    return (layer_norm(params["norm"], x) @ params["words"]["table"].T)[:, 0, :], rows


def _cached_block(
    params: Params, cache: dict[str, Array], x: Array, position: Array, mask: Array
) -> tuple[Array, dict[str, Array]]:
    y = layer_norm(params["norm1"], x)
    row = {
        name: lax.dynamic_update_slice_in_dim(
            cache[name], split_heads(dense(params[name], y), HEADS), position, axis=2
        )
        for name in ("key", "value")
    }
    query = split_heads(dense(params["query"], y), HEADS)
    x = x + dense(params["out"], join_heads(attend(query, row["key"], row["value"], mask)))
    return x + feed_forward(params, layer_norm(params["norm2"], x), jax.nn.gelu), row


def model() -> Model:
    params = {
        "words": {"table": shape(WORDS, WIDTH)},
        "blocks": [block_shapes(WIDTH, HIDDEN) for _ in range(LAYERS)],
        "norm": norm_shapes(WIDTH),
    }
    row = shape(1, HEADS, TIME, WIDTH // HEADS)
    cache = [{"key": row, "value": row} for _ in range(LAYERS)]
    token, position = jax.ShapeDtypeStruct((1,), jnp.int32), jax.ShapeDtypeStruct((), jnp.int32)
    donating: Any = jax.jit(decode_step, donate_argnames="cache")
    return donating, (params, cache, token, position)
