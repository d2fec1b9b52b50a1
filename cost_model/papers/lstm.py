"""An LSTM over the tokens, then fully connected layers on its last state.

i, f, g, o = W x_t + U h + b        c = sigmoid(f + 1) c + sigmoid(i) tanh(g)
                                    h = sigmoid(o) tanh(c)
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.papers.tokens import PAD


class Lstm(eqx.Module):
    """tokens int32[B, L] -> float32[B, outputs]"""

    embedding: Array  # [words, width / 2]
    inner: Array  # W: [width / 2, 4 width]
    recurrent: Array  # U: [width, 4 width]
    bias: Array  # [4 width]
    dense: eqx.nn.MLP

    def __init__(self, words: int, width: int, outputs: int, key: Array) -> None:
        keys = jax.random.split(key, 4)
        narrow = width // 2
        self.embedding = 0.3 * jax.random.normal(keys[0], (words, narrow))
        self.inner = jax.random.normal(keys[1], (narrow, 4 * width)) / jnp.sqrt(narrow)
        self.recurrent = jax.nn.initializers.orthogonal()(keys[2], (width, 4 * width))
        self.bias = jnp.zeros(4 * width)
        self.dense = eqx.nn.MLP(width, outputs, width, 1, key=keys[3])

    def __call__(self, tokens: Array) -> Array:
        given = self.embedding[tokens] @ self.inner + self.bias  # [B, L, 4 width]
        real = (tokens != PAD)[..., None]
        start = jnp.zeros((tokens.shape[0], self.recurrent.shape[0]))

        def step(
            state: tuple[Array, Array], now: tuple[Array, Array]
        ) -> tuple[tuple[Array, Array], None]:
            hidden, cell = state
            gates, alive = now
            i, f, g, o = jnp.split(gates + hidden @ self.recurrent, 4, axis=-1)
            fresh = jax.nn.sigmoid(f + 1) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
            shown = jax.nn.sigmoid(o) * jnp.tanh(fresh)
            return (jnp.where(alive, shown, hidden), jnp.where(alive, fresh, cell)), None

        by_step = (jnp.swapaxes(given, 0, 1), jnp.swapaxes(real, 0, 1))
        (hidden, _), _ = jax.lax.scan(step, (start, start), by_step)
        return jax.vmap(self.dense)(hidden)
