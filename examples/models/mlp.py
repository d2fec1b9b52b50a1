"""A three-layer perceptron of a few kilobytes, for tests."""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Model, Params, dense, dense_shapes, shape


def mlp(params: list[Params], batch: Array) -> Array:
    """[8, 16] -> logits [8, 10]."""
    x = batch
    for layer in params[:-1]:
        x = jax.nn.relu(dense(layer, x))
    return dense(params[-1], x)


def model() -> Model:
    params = [dense_shapes(16, 32), dense_shapes(32, 32), dense_shapes(32, 10)]
    return mlp, (params, shape(8, 16))
