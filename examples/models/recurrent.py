"""A gated recurrent network over 16 steps with `jax.lax.scan`: a `while` loop in StableHLO."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from examples.models.layers import Model, Params, dense, dense_shapes, shape

STEPS, BATCH, INPUTS, WIDTH = 16, 4, 8, 32


def recurrent(params: Params, sequence: Array) -> Array:
    """sequence [16, 4, 8] -> logits of the last state [4, 10]."""

    def cell(state: Array, x: Array) -> tuple[Array, None]:
        both = jnp.concatenate([x, state], axis=-1)
        reset = jax.nn.sigmoid(dense(params["reset"], both))
        update = jax.nn.sigmoid(dense(params["update"], both))
        fresh = jnp.tanh(dense(params["fresh"], jnp.concatenate([x, reset * state], axis=-1)))
        return update * state + (1 - update) * fresh, None

    state, _ = lax.scan(cell, jnp.zeros((BATCH, WIDTH)), sequence)
    return dense(params["head"], state)


def model() -> Model:
    gates = {name: dense_shapes(INPUTS + WIDTH, WIDTH) for name in ("reset", "update", "fresh")}
    params = gates | {"head": dense_shapes(WIDTH, 10)}
    return recurrent, (params, shape(STEPS, BATCH, INPUTS))
