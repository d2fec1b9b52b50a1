"""ViT-B/16 at inference, 224 x 224: 12 encoder blocks over 196 patches and one class token.

After Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale" (2020), section 3.1.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.attention import block_shapes, exact_gelu, feed_forward, self_attention
from examples.models.layers import (
    Model,
    Params,
    convolve,
    dense,
    dense_shapes,
    kernel_shapes,
    layer_norm,
    norm_shapes,
    shape,
)

PATCH, WIDTH, HIDDEN, BLOCKS, HEADS = 16, 768, 3072, 12, 12
PATCHES = (224 // PATCH) ** 2


def vit_b16(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("patches"):
        x = convolve(params["patches"], image, stride=PATCH) + params["patches"]["b"]
        x = jnp.concatenate([params["token"]["table"], x.reshape(1, PATCHES, WIDTH)], axis=1)
        x = x + params["positions"]["table"]
    for index, block in enumerate(params["blocks"]):
        with jax.named_scope(f"block{index}"):
            x = _block(block, x)
    with jax.named_scope("head"):
        return dense(params["head"], layer_norm(params["norm"], x[:, 0]))


def _block(params: Params, x: Array) -> Array:
    x = x + self_attention(params, layer_norm(params["norm1"], x), None, HEADS)
    return x + feed_forward(params, layer_norm(params["norm2"], x), exact_gelu)


def model() -> Model:
    params = {
        "patches": kernel_shapes(PATCH, 3, WIDTH) | {"b": shape(WIDTH)},
        "token": {"table": shape(1, 1, WIDTH)},
        "positions": {"table": shape(1, PATCHES + 1, WIDTH)},
        "blocks": [block_shapes(WIDTH, HIDDEN) for _ in range(BLOCKS)],
        "norm": norm_shapes(WIDTH),
        "head": dense_shapes(WIDTH, 1000),
    }
    return vit_b16, (params, shape(1, 224, 224, 3))
