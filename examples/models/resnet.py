"""The body that ResNet-50, ResNeXt-50, FCN and DeepLabV3 share: a stem and four bottleneck stages.

The stride of a stage sits on its first block's 3 x 3 convolution. Where a stage dilates instead,
as the networks for segmentation do, its first block still has the dilation of the stage before.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Params, conv, conv_shapes, max_pool

BLOCKS = (3, 4, 6, 3)
OUTPUTS = (256, 512, 1024, 2048)  # channels
STEPS = ((1, 1), (2, 1), (2, 1), (2, 1))  # stride, dilation: the last map is 1/32 of the image
DILATED = ((1, 1), (2, 1), (1, 2), (1, 4))  # 1/8 of the image


def body(
    params: Params, image: Array, steps: tuple[tuple[int, int], ...] = STEPS, groups: int = 1
) -> Array:
    """[1, 224, 224, 3] -> [1, 7, 7, 2048], or [1, 28, 28, 2048] if dilated."""
    with jax.named_scope("stem"):
        x = max_pool(jax.nn.relu(conv(params["stem"], image, stride=2)), 3, 2)
    before = 1
    for number, (stride, dilation) in enumerate(steps):
        for index, block in enumerate(params[f"stage{number}"]):
            with jax.named_scope(f"stage{number}/block{index}"):
                if index == 0:
                    x = _bottleneck(block, x, stride, groups, before)
                else:
                    x = _bottleneck(block, x, 1, groups, dilation)
        before = dilation
    return x


def _bottleneck(params: Params, x: Array, stride: int, groups: int, dilation: int) -> Array:
    y = jax.nn.relu(conv(params["reduce"], x))
    y = jax.nn.relu(conv(params["middle"], y, stride, groups, dilation))
    y = conv(params["expand"], y)
    shortcut = conv(params["shortcut"], x, stride=stride) if "shortcut" in params else x
    return jax.nn.relu(y + shortcut)


def body_shapes(width: int = 64, groups: int = 1) -> Params:
    """width: inner channels of the first stage, all groups together."""
    params: Params = {"stem": conv_shapes(7, 3, 64)}
    inputs = 64
    for number, (blocks, outputs) in enumerate(zip(BLOCKS, OUTPUTS, strict=True)):
        stage = []
        for index in range(blocks):
            stage.append(_block_shapes(inputs, width << number, outputs, groups, index == 0))
            inputs = outputs
        params[f"stage{number}"] = stage
    return params


def _block_shapes(inputs: int, inner: int, outputs: int, groups: int, first: bool) -> Params:
    shapes = {
        "reduce": conv_shapes(1, inputs, inner),
        "middle": conv_shapes(3, inner, inner, groups),
        "expand": conv_shapes(1, inner, outputs),
    }
    return shapes | {"shortcut": conv_shapes(1, inputs, outputs)} if first else shapes
