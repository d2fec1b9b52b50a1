"""Bag of tokens: how often each word occurs, then fully connected layers.

x = sum over tokens of embedding[token] / sqrt(count of tokens), log(count)      y = MLP(x)
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.papers.tokens import PAD


class Bag(eqx.Module):
    """tokens int32[B, L] -> float32[B, outputs]"""

    embedding: Array  # [words, width]
    dense: eqx.nn.MLP

    def __init__(self, words: int, width: int, outputs: int, key: Array) -> None:
        first, second = jax.random.split(key)
        self.embedding = 0.1 * jax.random.normal(first, (words, width))
        self.dense = eqx.nn.MLP(width + 1, outputs, 2 * width, 2, key=second)

    def __call__(self, tokens: Array) -> Array:
        real = (tokens != PAD)[..., None]
        count = real.sum(1).astype(jnp.float32)
        total = jnp.where(real, self.embedding[tokens], 0.0).sum(1)
        return jax.vmap(self.dense)(
            jnp.concatenate([total / jnp.sqrt(count), jnp.log(count)], axis=-1)
        )
