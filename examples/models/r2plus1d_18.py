"""R(2+1)D-18 at inference, 16 frames of 224 x 224: convolutions in space, then in time.

After Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition" (2017),
section 3: a 3 x 3 x 3 convolution becomes 1 x 3 x 3 and 3 x 1 x 1 with as many parameters.
400 classes.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Model, Params, conv, conv_shapes, dense, dense_shapes, shape

CHANNELS = (64, 128, 256, 512)  # of a stage; two blocks each
CLASSES = 400


def r2plus1d_18(params: Params, video: Array) -> Array:
    """[1, 16, 224, 224, 3] -> logits [1, 400]."""
    with jax.named_scope("stem"):
        x = jax.nn.relu(conv(params["stem"]["space"], video, stride=(1, 2, 2)))
        x = jax.nn.relu(conv(params["stem"]["time"], x))
    for number, stage in enumerate(params["stages"]):
        for index, block in enumerate(stage):
            with jax.named_scope(f"stage{number}/block{index}"):
                x = _block(block, x, 2 if number > 0 and index == 0 else 1)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2, 3)))


def _block(params: Params, x: Array, stride: int) -> Array:
    y = jax.nn.relu(_space_time(params["conv0"], x, stride))
    y = _space_time(params["conv1"], y, 1)
    shortcut = conv(params["shortcut"], x, stride) if "shortcut" in params else x
    return jax.nn.relu(y + shortcut)


def _space_time(params: Params, x: Array, stride: int) -> Array:
    y = jax.nn.relu(conv(params["space"], x, stride=(1, stride, stride)))
    return conv(params["time"], y, stride=(stride, 1, 1))


def _space_time_shapes(inputs: int, inner: int, outputs: int) -> Params:
    return {
        "space": conv_shapes((1, 3, 3), inputs, inner),
        "time": conv_shapes((3, 1, 1), inner, outputs),
    }


def _block_shapes(inputs: int, outputs: int) -> Params:
    inner = 27 * inputs * outputs // (9 * inputs + 3 * outputs)  # parameters of 3 x 3 x 3
    shapes = {
        "conv0": _space_time_shapes(inputs, inner, outputs),
        "conv1": _space_time_shapes(outputs, inner, outputs),
    }
    if inputs == outputs:
        return shapes
    return shapes | {"shortcut": conv_shapes((1, 1, 1), inputs, outputs)}


def model() -> Model:
    stem = {"space": conv_shapes((1, 7, 7), 3, 45), "time": conv_shapes((3, 1, 1), 45, 64)}
    before = (CHANNELS[0], *CHANNELS[:-1])
    stages = [
        [_block_shapes(i, o), _block_shapes(o, o)] for i, o in zip(before, CHANNELS, strict=True)
    ]
    params = {"stem": stem, "stages": stages, "head": dense_shapes(CHANNELS[-1], CLASSES)}
    return r2plus1d_18, (params, shape(1, 16, 224, 224, 3))
