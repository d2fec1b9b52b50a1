"""A small convolutional network with a skip connection and a pool, for tests."""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import (
    Model,
    Params,
    conv,
    conv_shapes,
    dense,
    dense_shapes,
    max_pool,
    shape,
)


def cnn(params: Params, image: Array) -> Array:
    """[1, 16, 16, 3] -> logits [1, 10]."""
    x = jax.nn.relu(conv(params["stem"], image))
    x = max_pool(x, 2, 2)
    x = jax.nn.relu(x + conv(params["branch"], x))
    x = jax.nn.relu(conv(params["down"], x, stride=2))
    return dense(params["head"], x.mean(axis=(1, 2)))


def model() -> Model:
    params = {
        "stem": conv_shapes(3, 3, 8),
        "branch": conv_shapes(3, 8, 8),
        "down": conv_shapes(3, 8, 16),
        "head": dense_shapes(16, 10),
    }
    return cnn, (params, shape(1, 16, 16, 3))
