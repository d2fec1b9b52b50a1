"""S3D at inference, 16 frames of 224 x 224: nine Inception blocks with separable convolutions.

After Xie, Sun, Huang, Tu, Murphy, "Rethinking Spatiotemporal Feature Learning: Speed-Accuracy
Trade-offs in Video Classification" (2017); channels as in Inception-v1. 400 classes.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.layers import (
    Model,
    Params,
    Size,
    conv,
    conv_shapes,
    convolve,
    kernel_shapes,
    max_pool,
    shape,
)

BLOCKS = (  # one: 1 x 1; three, five: reduced by 1 x 1, then 3 x 3 x 3; pooled: then 1 x 1
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)
POOLS: dict[int, Size] = {2: 3, 7: 2}  # before these blocks: window of a pool with stride 2
CLASSES = 400


def s3d(params: Params, video: Array) -> Array:
    """[1, 16, 224, 224, 3] -> logits [1, 400]."""
    with jax.named_scope("stem"):
        x = _separable(params["stem0"], video, 2)
        x = max_pool(x, (1, 3, 3), (1, 2, 2))
        x = _separable(params["stem2"], jax.nn.relu(conv(params["stem1"], x)), 1)
        x = max_pool(x, (1, 3, 3), (1, 2, 2))
    for index, block in enumerate(params["blocks"]):
        with jax.named_scope(f"block{index}"):
            x = max_pool(x, POOLS[index], 2) if index in POOLS else x
            x = _inception(block, x)
    with jax.named_scope("head"):
        x = x.mean(axis=(1, 2, 3), keepdims=True)
        return (convolve(params["head"], x) + params["head"]["b"]).reshape(1, CLASSES)


def _separable(params: Params, x: Array, stride: int) -> Array:
    x = jax.nn.relu(conv(params["space"], x, stride=(1, stride, stride)))
    return jax.nn.relu(conv(params["time"], x, stride=(stride, 1, 1)))


def _inception(params: Params, x: Array) -> Array:
    one = jax.nn.relu(conv(params["one"], x))
    three = _separable(params["three"], jax.nn.relu(conv(params["reduce3"], x)), 1)
    five = _separable(params["five"], jax.nn.relu(conv(params["reduce5"], x)), 1)
    pooled = jax.nn.relu(conv(params["pooled"], max_pool(x, 3, 1)))
    return jnp.concatenate([one, three, five, pooled], axis=-1)


def _separable_shapes(size: int, inputs: int, outputs: int) -> Params:
    return {
        "space": conv_shapes((1, size, size), inputs, outputs),
        "time": conv_shapes((size, 1, 1), outputs, outputs),
    }


def _inception_shapes(inputs: int, channels: tuple[int, ...]) -> Params:
    one, reduce3, three, reduce5, five, pooled = channels
    return {
        "one": conv_shapes((1, 1, 1), inputs, one),
        "reduce3": conv_shapes((1, 1, 1), inputs, reduce3),
        "three": _separable_shapes(3, reduce3, three),
        "reduce5": conv_shapes((1, 1, 1), inputs, reduce5),
        "five": _separable_shapes(3, reduce5, five),
        "pooled": conv_shapes((1, 1, 1), inputs, pooled),
    }


def model() -> Model:
    blocks, inputs = [], 192
    for channels in BLOCKS:
        one, _, three, _, five, pooled = channels
        blocks.append(_inception_shapes(inputs, channels))
        inputs = one + three + five + pooled
    params = {
        "stem0": _separable_shapes(7, 3, 64),
        "stem1": conv_shapes((1, 1, 1), 64, 64),
        "stem2": _separable_shapes(3, 64, 192),
        "blocks": blocks,
        "head": kernel_shapes((1, 1, 1), inputs, CLASSES) | {"b": shape(CLASSES)},
    }
    return s3d, (params, shape(1, 16, 224, 224, 3))
