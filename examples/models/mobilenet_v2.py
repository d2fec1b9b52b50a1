"""MobileNetV2 at inference, width 1.0, 224 x 224: 17 inverted residual blocks.

After Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Model, Params, conv, conv_shapes, dense, dense_shapes, shape

GROUPS = (  # expansion, channels, blocks, stride of the first block
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STRIDES = tuple(
    stride if index == 0 else 1 for _, _, blocks, stride in GROUPS for index in range(blocks)
)


def mobilenet_v2(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("stem"):
        x = jax.nn.relu6(conv(params["stem"], image, stride=2))
    for index, (block, stride) in enumerate(zip(params["blocks"], STRIDES, strict=True)):
        with jax.named_scope(f"block{index}"):
            x = _inverted_residual(block, x, stride)
    with jax.named_scope("head"):
        x = jax.nn.relu6(conv(params["last"], x))
        return dense(params["head"], x.mean(axis=(1, 2)))


def _inverted_residual(params: Params, x: Array, stride: int) -> Array:
    y = jax.nn.relu6(conv(params["expand"], x)) if "expand" in params else x
    y = jax.nn.relu6(conv(params["depthwise"], y, stride=stride, groups=y.shape[-1]))
    y = conv(params["project"], y)
    return x + y if x.shape == y.shape else y


def _block_shapes(inputs: int, expansion: int, outputs: int) -> Params:
    inner = inputs * expansion
    shapes = {
        "depthwise": conv_shapes(3, inner, inner, groups=inner),
        "project": conv_shapes(1, inner, outputs),
    }
    return shapes if expansion == 1 else shapes | {"expand": conv_shapes(1, inputs, inner)}


def model() -> Model:
    blocks, inputs = [], 32
    for expansion, outputs, count, _ in GROUPS:
        for _ in range(count):
            blocks.append(_block_shapes(inputs, expansion, outputs))
            inputs = outputs
    params = {
        "stem": conv_shapes(3, 3, 32),
        "blocks": blocks,
        "last": conv_shapes(1, inputs, 1280),
        "head": dense_shapes(1280, 1000),
    }
    return mobilenet_v2, (params, shape(1, 224, 224, 3))
