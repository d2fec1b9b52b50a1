"""One encoder block of BERT-base on its own: batch 1, 128 positions, width 768."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.attention import block_shapes, post_norm_block
from examples.models.bert_base import HEADS, HIDDEN, TIME, WIDTH
from examples.models.layers import Model, Params, shape


def transformer_layer(params: Params, x: Array, mask: Array) -> Array:
    """x [1, 128, 768], mask bool[1, 128] -> [1, 128, 768]."""
    return post_norm_block(params, x, mask[:, None, None, :], HEADS)


def model() -> Model:
    mask = jax.ShapeDtypeStruct((1, TIME), jnp.bool_)
    return transformer_layer, (block_shapes(WIDTH, HIDDEN), shape(1, TIME, WIDTH), mask)
