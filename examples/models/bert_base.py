"""The encoder of BERT-base: embeddings and 12 post-norm blocks, batch 1, 128 tokens, width 768.

Sizes after Devlin et al., "BERT" (2018): 12 heads, 3,072 hidden features, 30,522 words.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.attention import block_shapes, post_norm_block
from examples.models.layers import Model, Params, layer_norm, norm_shapes, shape

LAYERS, WIDTH, HEADS, HIDDEN, TIME, WORDS, PLACES = 12, 768, 12, 3072, 128, 30522, 512


def bert_base(params: Params, tokens: Array, mask: Array) -> Array:
    """tokens int32[1, 128], mask bool[1, 128] (true: a token, false: padding) -> [1, 128, 768]."""
    with jax.named_scope("embed"):
        x = (
            jnp.take(params["words"]["table"], tokens, axis=0, mode="clip")
            + params["places"]["table"][:TIME]
        )
        x = layer_norm(params["norm"], x)
    for index, block in enumerate(params["blocks"]):
        with jax.named_scope(f"block{index}"):
            x = post_norm_block(block, x, mask[:, None, None, :], HEADS)
    return x


def model() -> Model:
    params = {
        "words": {"table": shape(WORDS, WIDTH)},
        "places": {"table": shape(PLACES, WIDTH)},
        "norm": norm_shapes(WIDTH),
        "blocks": [block_shapes(WIDTH, HIDDEN) for _ in range(LAYERS)],
    }
    tokens = jax.ShapeDtypeStruct((1, TIME), jnp.int32)
    mask = jax.ShapeDtypeStruct((1, TIME), jnp.bool_)
    return bert_base, (params, tokens, mask)
