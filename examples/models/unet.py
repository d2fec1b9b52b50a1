"""A U-Net for segmentation, 256 x 256: four levels down, four up, skips by concatenation.

After Ronneberger, Fischer, Brox, "U-Net" (2015), with `SAME` padding, half its channels and batch
normalisation in its inference form.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from examples.models.layers import Model, Params, conv, conv_shapes, max_pool, shape

CHANNELS = (32, 64, 128, 256, 512)  # per level; the last one is the bottom
CLASSES = 4


def unet(params: Params, image: Array) -> Array:
    """[1, 256, 256, 3] -> logits per pixel [1, 256, 256, 4]."""
    x, skips = image, []
    for level, block in enumerate(params["down"]):
        with jax.named_scope(f"down{level}"):
            skips.append(_double_conv(block, x))
            x = max_pool(skips[-1], 2, 2)
    with jax.named_scope("bottom"):
        x = _double_conv(params["bottom"], x)
    for level, block in reversed(list(enumerate(params["up"]))):
        with jax.named_scope(f"up{level}"):
            x = _double_conv(block, jnp.concatenate([skips[level], _upsample(block, x)], axis=-1))
    with jax.named_scope("head"):
        return conv(params["head"], x)


def _double_conv(params: Params, x: Array) -> Array:
    x = jax.nn.relu(conv(params["conv0"], x))
    return jax.nn.relu(conv(params["conv1"], x))


def _upsample(params: Params, x: Array) -> Array:
    """Transposed convolution: twice the height and width, half the channels."""
    return lax.conv_transpose(
        x, params["upsample"]["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _block_shapes(inputs: int, outputs: int) -> Params:
    return {"conv0": conv_shapes(3, inputs, outputs), "conv1": conv_shapes(3, outputs, outputs)}


def model() -> Model:
    *levels, bottom = CHANNELS
    down = [_block_shapes(i, o) for i, o in zip((3, *levels), levels, strict=False)]
    up = [_block_shapes(2 * o, o) | {"upsample": {"w": shape(2, 2, 2 * o, o)}} for o in levels]
    params = {
        "down": down,
        "bottom": _block_shapes(levels[-1], bottom),
        "up": up,
        "head": conv_shapes(1, levels[0], CLASSES),
    }
    return unet, (params, shape(1, 256, 256, 3))
