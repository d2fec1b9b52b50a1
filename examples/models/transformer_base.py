"""The base Transformer at inference, one pass over 128 source and 128 target tokens.

After Vaswani et al., "Attention Is All You Need" (2017), table 3: 6 encoder and 6 decoder layers,
width 512, 8 heads, 37,000 words whose table is also the output projection; positions are sines.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.attention import (
    attend,
    block_shapes,
    causal_mask,
    feed_forward,
    join_heads,
    self_attention,
    split_heads,
)
from examples.models.layers import (
    Model,
    Params,
    dense,
    dense_shapes,
    layer_norm,
    norm_shapes,
    shape,
)

TIME, WORDS = 128, 37_000
WIDTH, HIDDEN, LAYERS, HEADS = 512, 2048, 6, 8


def transformer_base(params: Params, source: Array, target: Array) -> Array:
    """source, target int32[1, 128] -> logits [1, 128, 37000] of the word after each target word."""
    words = params["words"]["table"]
    with jax.named_scope("encoder"):
        x = _embed(words, source)
        for index, layer in enumerate(params["encoder"]):
            with jax.named_scope(f"layer{index}"):
                x = _encode(layer, x)
    with jax.named_scope("decoder"):
        y = _embed(words, target)
        for index, layer in enumerate(params["decoder"]):
            with jax.named_scope(f"layer{index}"):
                y = _decode(layer, y, x)
    with jax.named_scope("head"):
        return jnp.einsum("btd,vd->btv", y, words)


def _embed(words: Array, tokens: Array) -> Array:
    return jnp.take(words, tokens, axis=0, mode="clip") * math.sqrt(WIDTH) + _positions()


def _positions() -> Array:
    """float32[128, 512]: sines in the even columns, cosines in the odd ones.

    angle[t, 2k] = angle[t, 2k + 1] = t / 10000^(2k / 512)
    """
    column = jnp.arange(WIDTH)
    exponent = (column // 2 * 2).astype(jnp.float32) / WIDTH
    angle = jnp.arange(TIME)[:, None] * jnp.exp(-math.log(10_000) * exponent)
    return jnp.sin(angle + (column % 2) * (math.pi / 2))


def _encode(params: Params, x: Array) -> Array:
    x = layer_norm(params["norm1"], x + self_attention(params, x, None, HEADS))
    return layer_norm(params["norm2"], x + feed_forward(params, x, jax.nn.relu))


def _decode(params: Params, y: Array, x: Array) -> Array:
    y = layer_norm(params["norm1"], y + self_attention(params, y, causal_mask(TIME), HEADS))
    y = layer_norm(params["cross"]["norm"], y + _cross_attention(params["cross"], y, x))
    return layer_norm(params["norm2"], y + feed_forward(params, y, jax.nn.relu))


def _cross_attention(params: Params, y: Array, x: Array) -> Array:
    """The decoder's y asks, the encoder's x answers."""
    query = split_heads(dense(params["query"], y), HEADS)
    key, value = (split_heads(dense(params[name], x), HEADS) for name in ("key", "value"))
    return dense(params["out"], join_heads(attend(query, key, value)))


def _cross_shapes() -> Params:
    shapes = {name: dense_shapes(WIDTH, WIDTH) for name in ("query", "key", "value", "out")}
    return shapes | {"norm": norm_shapes(WIDTH)}


def model() -> Model:
    params = {
        "words": {"table": shape(WORDS, WIDTH)},
        "encoder": [block_shapes(WIDTH, HIDDEN) for _ in range(LAYERS)],
        "decoder": [
            block_shapes(WIDTH, HIDDEN) | {"cross": _cross_shapes()} for _ in range(LAYERS)
        ],
    }
    tokens = jax.ShapeDtypeStruct((1, TIME), jnp.int32)
    return transformer_base, (params, tokens, tokens)
