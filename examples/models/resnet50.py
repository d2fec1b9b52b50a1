"""ResNet-50 at inference, 224 x 224: 53 convolutions, 16 bottleneck blocks in four stages.

After He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015), table 1; the
stride of a stage sits on its first block's 3 x 3 convolution.
"""

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

STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))  # blocks, inner channels, stride


def resnet50(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("stem"):
        x = max_pool(jax.nn.relu(conv(params["stem"], image, stride=2)), 3, 2)
    for number, (_, _, stride) in enumerate(STAGES):
        for index, block in enumerate(params[f"stage{number}"]):
            with jax.named_scope(f"stage{number}/block{index}"):
                x = _bottleneck(block, x, stride if index == 0 else 1)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2)))


def _bottleneck(params: Params, x: Array, stride: int) -> Array:
    y = jax.nn.relu(conv(params["reduce"], x))
    y = jax.nn.relu(conv(params["middle"], y, stride=stride))
    y = conv(params["expand"], y)
    shortcut = conv(params["shortcut"], x, stride=stride) if "shortcut" in params else x
    return jax.nn.relu(y + shortcut)


def _block_shapes(inputs: int, inner: int, first: bool) -> Params:
    shapes = {
        "reduce": conv_shapes(1, inputs, inner),
        "middle": conv_shapes(3, inner, inner),
        "expand": conv_shapes(1, inner, 4 * inner),
    }
    return shapes | {"shortcut": conv_shapes(1, inputs, 4 * inner)} if first else shapes


def model() -> Model:
    params: Params = {"stem": conv_shapes(7, 3, 64), "head": dense_shapes(2048, 1000)}
    inputs = 64
    for number, (blocks, inner, _) in enumerate(STAGES):
        stage = []
        for index in range(blocks):
            stage.append(_block_shapes(inputs, inner, first=index == 0))
            inputs = 4 * inner
        params[f"stage{number}"] = stage
    return resnet50, (params, shape(1, 224, 224, 3))
