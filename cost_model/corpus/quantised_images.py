"""Quantised networks of convolutions: plain or residual, and inverted residuals."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import at_most, budget, fit
from cosmalloc.cost_model.corpus.quantised_layers import (
    added,
    bytes_of,
    convolution,
    dense,
    dequantised,
    requantised,
    rounded,
)
from cosmalloc.cost_model.corpus.sequence_layers import Layer, floats, pointwise

Image = tuple[int, int, int, int]  # batch, rows, columns, channels
DEPTHWISE = 10**8  # XLA:CPU filters channels of int8 as if each met every other: their products


def quantised_cnn(draw: Draw) -> Model:
    """Convolutions of one to seven rows, strides, pools, residuals; classes from a mean."""
    flops = budget(draw, high=3 * 10**8)
    image, layers = _image(draw, flops), []
    start = image
    for _ in range(draw.one(range(2, 7))):
        kernel = draw.one(((1, 1), (3, 3), (3, 3), (3, 3), (5, 5), (1, 3), (3, 1), (7, 7)))
        stride = draw.one((1, 1, 2))
        if draw.flip(0.25):
            layers.append(_residual(draw, kernel, image[3]))
        outputs = _channels(draw, flops, image, kernel[0] * kernel[1], stride)
        layers.append(convolution(draw, kernel, image[3], outputs, stride))
        image = _after(image, stride, outputs)
        if draw.flip(0.2) and min(image[1:3]) > 1:
            layers.append(pointwise(_pool))
            image = _after(image, 2, image[3])
    return _classifier(draw, start, layers, image[3])


def quantised_mobile(draw: Draw) -> Model:
    """Widen, filter every channel by itself, narrow; the input again where the shapes agree."""
    flops = budget(draw, high=3 * 10**8)
    image = start = _image(draw, flops)
    layers = []
    for _ in range(draw.one((1, 2, 3))):
        stride, kernel = draw.one((1, 1, 2)), draw.one((3, 3, 5))
        batch, rows, columns, inputs = image
        pixels, shifted = batch * rows * columns, draw.flip()
        limit = (
            3_000_000 / (pixels * kernel) if shifted else (DEPTHWISE / (pixels * kernel**2)) ** 0.5
        )
        widened = at_most(draw, 4, 8 * inputs, limit)
        outputs = inputs if draw.flip(0.4) else draw.channels(8, 256)
        layers.append(_inverted(draw, inputs, widened, outputs, kernel, stride, shifted))
        image = _after(image, stride, outputs)
    return _classifier(draw, start, layers, image[3])


def quantised_separable(draw: Draw) -> Model:
    """Every channel filtered by itself, then a product over the channels, some times over."""
    flops = budget(draw, high=3 * 10**8)
    image = start = _image(draw, flops)
    layers = []
    for _ in range(draw.one((1, 2, 3, 4))):
        stride, kernel = draw.one((1, 1, 2)), draw.one(((3, 3), (3, 3), (5, 5), (1, 3), (7, 7)))
        batch, rows, columns, inputs = image
        taps = batch * rows * columns * kernel[0] * kernel[1]
        if taps * inputs**2 > DEPTHWISE * stride**2:
            kernel, stride = (1, 1), 1
        layers.append(convolution(draw, kernel, inputs, inputs, stride, groups=inputs))
        image = _after(image, stride, inputs)
        outputs = _channels(draw, flops, image, 1, 1)
        layers.append(convolution(draw, (1, 1), inputs, outputs))
        image = _after(image, 1, outputs)
    return _classifier(draw, start, layers, image[3])


def _image(draw: Draw, flops: int) -> Image:
    def sample() -> Image:
        whole = draw.one((1, 1, 4))
        rows = draw.size(4, 112, whole)
        columns = rows if draw.flip(0.7) else draw.size(4, 112, whole)
        return draw.size(1, 8), rows, columns, draw.one((3, draw.channels(8, 256)))

    def cost(image: Image) -> tuple[float, float]:
        batch, rows, columns, channels = image
        return 2 * batch * rows * columns * channels * 4 * max(channels, 8), (
            batch * rows * columns * channels * 8
        )

    return fit(flops, sample, cost)


def _after(image: Image, stride: int, channels: int) -> Image:
    batch, rows, columns, _ = image
    return batch, -(-rows // stride), -(-columns // stride), channels


def _channels(draw: Draw, flops: int, image: Image, taps: int, stride: int) -> int:
    """Output channels of a convolution that costs about `flops`."""
    inputs = image[3]
    batch, rows, columns, _ = _after(image, stride, 0)
    pixels = batch * rows * columns
    return fit(
        flops,
        lambda: draw.channels(1, 512) if draw.flip(0.1) else draw.channels(8, 512),
        lambda n: (2 * pixels * taps * inputs * n, max(pixels * n, taps * inputs * n)),
    )


def _residual(draw: Draw, kernel: tuple[int, int], channels: int) -> Layer:
    layer, add = convolution(draw, kernel, channels, channels, clipped=False), added(draw)

    def apply(params: Any, x: Array) -> Any:
        return add(x, layer.apply(params, x))

    return Layer(layer.shapes, apply)


def _inverted(
    draw: Draw, inputs: int, widened: int, outputs: int, kernel: int, stride: int, shifted: bool
) -> Layer:
    filtered = (
        _shifted(draw, widened, kernel, stride)
        if shifted
        else convolution(draw, (kernel, kernel), widened, widened, stride, groups=widened)
    )
    parts = (
        convolution(draw, (1, 1), inputs, widened),
        filtered,
        convolution(draw, (1, 1), widened, outputs, clipped=False),
    )
    add, again = added(draw), stride == 1 and inputs == outputs

    def apply(params: Any, x: Array) -> Any:
        y = x
        for part, own in zip(parts, params, strict=True):
            y = part.apply(own, y)
        return add(x, y) if again else y

    return Layer(tuple(part.shapes for part in parts), apply)


def _shifted(draw: Draw, channels: int, kernel: int, stride: int) -> Layer:
    """Each channel filtered by itself: shifted copies times their taps, summed in int32."""
    ending, edge = requantised(draw, channels), kernel // 2

    def apply(params: Any, x: Array) -> Any:
        _, rows, columns, _ = x.shape
        padded = jnp.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0))).astype("int32")
        taps = params[0].astype("int32")
        total = jnp.zeros((), "int32")
        for i in range(kernel):
            for j in range(kernel):
                piece = padded[:, i : i + rows : stride, j : j + columns : stride]
                total = total + piece * taps[i, j]
        return ending.apply(params[1], total)

    return Layer((bytes_of(kernel, kernel, channels), ending.shapes), apply)


def _pool(x: Array) -> Array:
    """The largest of two by two."""
    low = jnp.asarray(-128, x.dtype)
    pooled: Array = jax.lax.reduce_window(x, low, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    return pooled


def _classifier(draw: Draw, start: Image, layers: list[Layer], channels: int) -> Model:
    """The layers, a mean over the image or none, classes; int8 in or floats that are quantised."""
    first, pooled = draw.flip(), draw.flip(0.7)
    head, wide = dense(draw, channels, draw.size(2, 1000), clipped=False), dequantised(draw)

    def apply(params: Any, x: Array) -> Any:
        if first:
            x = rounded(x * 64)
        for layer, own in zip(layers, params["layers"], strict=True):
            x = layer.apply(own, x)
        if pooled:
            mean = x.astype("int32").sum((1, 2)).astype(draw.dtype) / (x.shape[1] * x.shape[2])
            x = head.apply(params["head"], rounded(mean))
        return wide(x)

    shapes = {"layers": [layer.shapes for layer in layers]}
    if pooled:
        shapes["head"] = head.shapes
    return apply, (shapes, floats(draw, *start) if first else bytes_of(*start))
