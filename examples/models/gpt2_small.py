"""GPT-2 small, one forward pass over a prompt of 128 tokens: 12 pre-norm blocks, width 768.

Sizes after Radford et al., "Language Models are Unsupervised Multitask Learners" (2019): 12 heads,
50,257 words, 1,024 places. The head shares the table of the words and sees the last position only.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.attention import block_shapes, causal_mask, pre_norm_block
from examples.models.layers import Model, Params, layer_norm, norm_shapes, shape

LAYERS, WIDTH, HEADS, HIDDEN, TIME, WORDS, PLACES = 12, 768, 12, 3072, 128, 50257, 1024


def gpt2_small(params: Params, tokens: Array) -> Array:
    """tokens int32[1, 128] -> logits of the next token [1, 50257]."""
    words = params["words"]["table"]
    with jax.named_scope("embed"):
        x = jnp.take(words, tokens, axis=0, mode="clip") + params["places"]["table"][:TIME]
    for index, block in enumerate(params["blocks"]):
        with jax.named_scope(f"block{index}"):
            x = pre_norm_block(block, x, causal_mask(TIME), HEADS)
    with jax.named_scope("head"):
        return layer_norm(params["norm"], x)[:, -1, :] @ words.T


def model() -> Model:
    params = {
        "words": {"table": shape(WORDS, WIDTH)},
        "places": {"table": shape(PLACES, WIDTH)},
        "blocks": [block_shapes(WIDTH, HIDDEN) for _ in range(LAYERS)],
        "norm": norm_shapes(WIDTH),
    }
    return gpt2_small, (params, jax.ShapeDtypeStruct((1, TIME), jnp.int32))
