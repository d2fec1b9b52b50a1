"""The operations inside the cells of networks that a search has found.

Each is a pair of functions: `(params, x, stride) -> y` and `(inputs, outputs, stride) -> shapes of
params`. Convolutions come after a rectifier and before their folded batch normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array, lax

from examples.models.layers import (
    Params,
    Size,
    affine,
    average_pool,
    conv,
    conv_shapes,
    convolve,
    kernel_shapes,
    max_pool,
    norm_shapes,
)


@dataclass(frozen=True)
class Operation:
    apply: Callable[[Params, Array, int], Array]
    shapes: Callable[[int, int, int], Params]


def relu_conv(params: Params, x: Array, stride: int = 1) -> Array:
    return conv(params, jax.nn.relu(x), stride)


def halve(params: Params, x: Array) -> Array:
    """[1, h, w, c] -> [1, h / 2, w / 2, outputs].

    Half the channels see the elements at even places, half those at odd ones.
    """
    x = jax.nn.relu(x)
    shifted = lax.pad(x, 0.0, ((0, 0, 0), (-1, 1, 0), (-1, 1, 0), (0, 0, 0)))
    halves = [convolve(params["even"], x, stride=2), convolve(params["odd"], shifted, stride=2)]
    return affine(params["norm"], jnp.concatenate(halves, axis=-1))


def halve_shapes(inputs: int, outputs: int) -> Params:
    return {
        "even": kernel_shapes(1, inputs, outputs // 2),
        "odd": kernel_shapes(1, inputs, outputs - outputs // 2),
        "norm": norm_shapes(outputs),
    }


def identity() -> Operation:
    """A 1 x 1 convolution where the size changes."""

    def apply(params: Params, x: Array, stride: int) -> Array:
        return relu_conv(params, x, stride) if params else x

    def shapes(inputs: int, outputs: int, stride: int) -> Params:
        return {} if inputs == outputs and stride == 1 else conv_shapes(1, inputs, outputs)

    return Operation(apply, shapes)


def pool(kind: Callable[[Array, Size, Size], Array], size: int) -> Operation:
    """A 1 x 1 convolution follows where the number of channels changes."""

    def apply(params: Params, x: Array, stride: int) -> Array:
        y = kind(x, size, stride)
        return conv(params, y) if params else y

    def shapes(inputs: int, outputs: int, stride: int) -> Params:
        return {} if inputs == outputs else conv_shapes(1, inputs, outputs)

    return Operation(apply, shapes)


def separable(size: int, times: int = 2, dilation: int = 1) -> Operation:
    """Depthwise and pointwise, `times` times; the first one takes the stride."""

    def apply(params: Params, x: Array, stride: int) -> Array:
        for layer in params["layers"]:
            x = jax.nn.relu(x)
            x = convolve(layer["depthwise"], x, stride, x.shape[-1], dilation)
            x, stride = conv(layer["pointwise"], x), 1
        return x

    def layer_shapes(inputs: int, outputs: int) -> Params:
        depthwise = kernel_shapes(size, inputs, inputs, groups=inputs)
        return {"depthwise": depthwise, "pointwise": conv_shapes(1, inputs, outputs)}

    def shapes(inputs: int, outputs: int, stride: int) -> Params:
        later = [layer_shapes(outputs, outputs) for _ in range(times - 1)]
        return {"layers": [layer_shapes(inputs, outputs), *later]}

    return Operation(apply, shapes)


def convolutions(*windows: tuple[int, int], narrow: int = 1) -> Operation:
    """One after the other, all but the last with 1 / narrow of the channels.

    A window's step along an axis is the stride where its size there is more than 1, or everywhere
    if it is the only window.
    """

    def apply(params: Params, x: Array, stride: int) -> Array:
        for layer, window in zip(params["layers"], windows, strict=True):
            step = tuple(stride if size > 1 or len(windows) == 1 else 1 for size in window)
            x = conv(layer, jax.nn.relu(x), step)
        return x

    def shapes(inputs: int, outputs: int, stride: int) -> Params:
        layers = []
        for window in windows[:-1]:
            layers.append(conv_shapes(window, inputs, outputs // narrow))
            inputs = outputs // narrow
        return {"layers": [*layers, conv_shapes(windows[-1], inputs, outputs)]}

    return Operation(apply, shapes)


OPERATIONS = {
    "identity": identity(),
    "max2": pool(max_pool, 2),
    "max3": pool(max_pool, 3),
    "avg3": pool(average_pool, 3),
    "sep3": separable(3),
    "sep5": separable(5),
    "sep7": separable(7),
    "dil3": separable(3, times=1, dilation=2),
    "conv1": convolutions((1, 1)),
    "conv3": convolutions((1, 1), (3, 3), (1, 1), narrow=4),
    "conv7": convolutions((1, 1), (1, 7), (7, 1), (1, 1), narrow=4),
}
