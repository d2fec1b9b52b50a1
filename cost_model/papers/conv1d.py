"""Convolutions over the tokens, the maximum over the sequence, then fully connected layers.

x_0 = embedding      x_{k+1} = relu(conv1d(x_k, 3 tokens))      y = MLP(max over tokens of x_K)
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.papers.tokens import PAD

LAYERS = 3
_REACH = 1  # tokens to each side


class Conv1d(eqx.Module):
    """tokens int32[B, L] -> float32[B, outputs]"""

    embedding: Array  # [words, width]
    kernels: tuple[Array, ...]  # each [(2 reach + 1) * width, width]
    biases: tuple[Array, ...]
    dense: eqx.nn.MLP

    def __init__(self, words: int, width: int, outputs: int, key: Array) -> None:
        keys = jax.random.split(key, LAYERS + 2)
        seen = (2 * _REACH + 1) * width
        self.embedding = 0.3 * jax.random.normal(keys[0], (words, width))
        self.kernels = tuple(
            jax.random.normal(each, (seen, width)) * jnp.sqrt(2 / seen) for each in keys[2:]
        )
        self.biases = tuple(jnp.zeros(width) for _ in keys[2:])
        self.dense = eqx.nn.MLP(width, outputs, 2 * width, 2, key=keys[1])

    def __call__(self, tokens: Array) -> Array:
        real = (tokens != PAD)[..., None]
        x = jnp.where(real, self.embedding[tokens], 0.0)
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            x = jnp.where(real, jax.nn.relu(_neighbours(x) @ kernel + bias), 0.0)
        return jax.vmap(self.dense)(x.max(1))


def _neighbours(x: Array) -> Array:
    """Each token with those at its sides: [B, L, width] -> [B, L, (2 reach + 1) * width]."""
    wide = jnp.pad(x, ((0, 0), (_REACH, _REACH), (0, 0)))
    length = x.shape[1]
    return jnp.concatenate([wide[:, k : k + length] for k in range(2 * _REACH + 1)], axis=-1)
