"""DenseNet-121 at inference, 224 x 224: four dense blocks of 6, 12, 24 and 16 layers, growth 32.

After Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks" (2016),
table 1. A layer reads all layers before it, by concatenation; normalisation comes before the
convolution and only the second one of a layer folds into the convolution in front of it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.layers import (
    Model,
    Params,
    affine,
    average_pool,
    conv,
    conv_shapes,
    convolve,
    dense,
    dense_shapes,
    kernel_shapes,
    max_pool,
    norm_shapes,
    shape,
)

BLOCKS = (6, 12, 24, 16)
GROWTH = 32


def densenet121(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("stem"):
        x = max_pool(jax.nn.relu(conv(params["stem"], image, stride=2)), 3, 2)
    for number, block in enumerate(params["blocks"]):
        features = [x]
        for index, layer in enumerate(block["layers"]):
            with jax.named_scope(f"block{number}/layer{index}"):
                features.append(_layer(layer, jnp.concatenate(features, axis=-1)))
        x = jnp.concatenate(features, axis=-1)
        with jax.named_scope(f"block{number}/end"):
            x = jax.nn.relu(affine(block["norm"], x))
            if "transition" in block:
                x = average_pool(convolve(block["transition"], x), 2, 2)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2)))


def _layer(params: Params, x: Array) -> Array:
    """[1, h, w, c] -> [1, h, w, 32]."""
    y = jax.nn.relu(affine(params["norm"], x))
    y = jax.nn.relu(conv(params["reduce"], y))
    return convolve(params["grow"], y)


def _layer_shapes(inputs: int) -> Params:
    return {
        "norm": norm_shapes(inputs),
        "reduce": conv_shapes(1, inputs, 4 * GROWTH),
        "grow": kernel_shapes(3, 4 * GROWTH, GROWTH),
    }


def model() -> Model:
    blocks, inputs = [], 2 * GROWTH
    for number, layers in enumerate(BLOCKS):
        block: Params = {"layers": [_layer_shapes(inputs + GROWTH * i) for i in range(layers)]}
        inputs += GROWTH * layers
        block["norm"] = norm_shapes(inputs)
        if number < len(BLOCKS) - 1:
            block["transition"] = kernel_shapes(1, inputs, inputs // 2)
            inputs //= 2
        blocks.append(block)
    params = {
        "stem": conv_shapes(7, 3, 2 * GROWTH),
        "blocks": blocks,
        "head": dense_shapes(inputs, 1000),
    }
    return densenet121, (params, shape(1, 224, 224, 3))
