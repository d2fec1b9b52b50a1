"""L-RASPP on a dilated MobileNetV3-Large at inference, 224 x 224: one class of 21 for every pixel.

After Howard et al., "Searching for MobileNetV3" (2019), table 1 and figure 10. As in torchvision:
the last stage dilates, the low features come from the 1/8 map, and the pool of the gate is global.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
from jax import Array

from examples.models.layers import (
    Model,
    Params,
    conv,
    conv_shapes,
    convolve,
    kernel_shapes,
    shape,
)
from examples.models.segmentation import classify, classify_shapes, resize

BLOCKS = (  # kernel, expanded channels, channels, gated, hard swish, stride, dilation
    (3, 16, 16, False, False, 1, 1),
    (3, 64, 24, False, False, 2, 1),
    (3, 72, 24, False, False, 1, 1),
    (5, 72, 40, True, False, 2, 1),
    (5, 120, 40, True, False, 1, 1),
    (5, 120, 40, True, False, 1, 1),
    (3, 240, 80, False, True, 2, 1),
    (3, 200, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 480, 112, True, True, 1, 1),
    (3, 672, 112, True, True, 1, 1),
    (5, 672, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
)
LOW = 3  # the block whose result is the low features
INNER = 128  # channels of the head


def lraspp_mobilenet_v3(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits per pixel [1, 224, 224, 21]."""
    with jax.named_scope("stem"):
        x = low = jax.nn.hard_swish(conv(params["stem"], image, stride=2))
    for index, block in enumerate(params["blocks"]):
        with jax.named_scope(f"block{index}"):
            x = _block(block, x, *BLOCKS[index][4:])
        low = x if index == LOW else low
    with jax.named_scope("last"):
        x = jax.nn.hard_swish(conv(params["last"], x))
    with jax.named_scope("head"):
        return resize(_head(params["head"], low, x), *image.shape[1:3])


def _head(params: Params, low: Array, high: Array) -> Array:
    """[1, h, w, 40], [1, h / 2, w / 2, 960] -> [1, h, w, 21]."""
    gate = jax.nn.sigmoid(convolve(params["gate"], high.mean(axis=(1, 2), keepdims=True)))
    x = jax.nn.relu(conv(params["conv"], high)) * gate
    x = resize(x, *low.shape[1:3])
    return classify(params["low"], low) + classify(params["high"], x)


def _block(params: Params, x: Array, swish: bool, stride: int, dilation: int) -> Array:
    activation = jax.nn.hard_swish if swish else jax.nn.relu
    y = activation(conv(params["expand"], x)) if "expand" in params else x
    y = activation(conv(params["depthwise"], y, stride, y.shape[-1], dilation))
    y = _gated(params["gate"], y) if "gate" in params else y
    y = conv(params["project"], y)
    return x + y if x.shape == y.shape else y


def _gated(params: Params, x: Array) -> Array:
    """Squeeze and excite."""
    y = _biased(params["down"], x.mean(axis=(1, 2), keepdims=True), jax.nn.relu)
    return x * _biased(params["up"], y, jax.nn.hard_sigmoid)


def _biased(params: Params, x: Array, activation: Callable[[Array], Array]) -> Array:
    return activation(convolve(params, x) + params["b"])


def _biased_shapes(inputs: int, outputs: int) -> Params:
    return kernel_shapes(1, inputs, outputs) | {"b": shape(outputs)}


def _block_shapes(inputs: int, kernel: int, inner: int, outputs: int, gated: bool) -> Params:
    shapes = {
        "depthwise": conv_shapes(kernel, inner, inner, groups=inner),
        "project": conv_shapes(1, inner, outputs),
    }
    if inner != inputs:
        shapes["expand"] = conv_shapes(1, inputs, inner)
    if gated:
        squeezed = _divisible(inner / 4)
        shapes["gate"] = {
            "down": _biased_shapes(inner, squeezed),
            "up": _biased_shapes(squeezed, inner),
        }
    return shapes


def _divisible(channels: float) -> int:
    """The multiple of 8 nearest to `channels`, or the next one if that loses a tenth."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def model() -> Model:
    blocks, inputs = [], 16
    for kernel, inner, outputs, gated, *_ in BLOCKS:
        blocks.append(_block_shapes(inputs, kernel, inner, outputs, gated))
        inputs = outputs
    last = 6 * inputs
    head = {
        "conv": conv_shapes(1, last, INNER),
        "gate": kernel_shapes(1, last, INNER),
        "low": classify_shapes(BLOCKS[LOW][2]),
        "high": classify_shapes(INNER),
    }
    params = {
        "stem": conv_shapes(3, 3, 16),
        "blocks": blocks,
        "last": conv_shapes(1, inputs, last),
        "head": head,
    }
    return lraspp_mobilenet_v3, (params, shape(1, 224, 224, 3))
