"""Attention inside the windows of an image, every other block shifted."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, attention, block_sizes
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    feed_forward,
    floats,
    norm,
    residual,
)


def swin(draw: Draw) -> Model:
    """Stages of one or two blocks; between stages four places merge into one."""
    flops, window, stages = budget(draw), draw.one((2, 4, 4, 7, 7, 8)), draw.one((1, 1, 2))
    step = 2 ** (stages - 1)

    def sample() -> tuple[int, int, int, Sizes]:
        batch, rows, columns = draw.size(1, 8), draw.size(1, 8, step), draw.size(1, 8, step)
        return batch, rows, columns, _sizes(draw, batch * rows * columns, window)

    batch, rows, columns, first = fit(flops, sample, lambda drawn: drawn[3].cost())
    layers: list[Layer] = []
    sizes = first
    for stage in range(stages):
        if stage:
            count = batch * rows * columns // 4**stage
            before = sizes
            sizes = fit(flops, lambda n=count: _sizes(draw, n, window), Sizes.cost)  # type: ignore[misc]
            layers.append(_merge(draw, before.width, sizes.width))
        layers.append(_block(draw, sizes, window, 0))
        if draw.flip():
            layers.append(_block(draw, sizes, window, draw.size(1, window - 1)))
    ending, head = norm(draw, sizes.width), dense(draw, sizes.width, draw.size(2, 1000))

    def apply(params: Any, x: Array) -> Any:
        for layer, own in zip(layers, params["layers"], strict=True):
            x = layer.apply(own, x)
        x = ending.apply(params["ending"], x)
        return head.apply(params["head"], x.mean((1, 2)))

    shapes = {"layers": [layer.shapes for layer in layers]}
    shapes |= {"ending": ending.shapes, "head": head.shapes}
    return apply, (shapes, floats(draw, batch, rows * window, columns * window, first.width))


def _sizes(draw: Draw, windows: int, window: int) -> Sizes:
    return block_sizes(draw, windows, window * window, window * window, grouped=False)


def _merge(draw: Draw, inputs: int, outputs: int) -> Layer:
    """Two by two places side by side, then a dense layer."""
    normed, joint, sliced = norm(draw, 4 * inputs), dense(draw, 4 * inputs, outputs), draw.flip()

    def apply(params: Any, x: Array) -> Any:
        if sliced:
            corners = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
            y = jnp.concatenate(corners, axis=-1)
        else:
            batch, rows, columns, width = x.shape
            y = x.reshape(batch, rows // 2, 2, columns // 2, 2, width).transpose(0, 1, 3, 2, 4, 5)
            y = y.reshape(batch, rows // 2, columns // 2, 4 * width)
        return joint.apply(params[1], normed.apply(params[0], y))

    return Layer((normed.shapes, joint.shapes), apply)


def _block(draw: Draw, sizes: Sizes, window: int, shift: int) -> Layer:
    """apply(params, x) for x (batch, rows, columns, width), both a multiple of `window`."""
    inside, tokens = attention(draw, sizes), window * window

    def windowed(params: Any, x: Array) -> Any:
        batch, rows, columns, width = x.shape
        if shift:
            x = jnp.roll(x, (-shift, -shift), axis=(1, 2))
        x = x.reshape(batch, rows // window, window, columns // window, window, width)
        x = x.transpose(0, 1, 3, 2, 4, 5).reshape(-1, tokens, width)
        x = inside.apply(params["inside"], x, lambda scores: scores + params["bias"])
        x = x.reshape(batch, rows // window, columns // window, window, window, width)
        x = x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, width)
        return jnp.roll(x, (shift, shift), axis=(1, 2)) if shift else x

    own = {"inside": inside.shapes, "bias": floats(draw, sizes.heads, tokens, tokens)}
    first = residual(draw, sizes.width, Layer(own, windowed))
    second = residual(draw, sizes.width, feed_forward(draw, sizes.width, sizes.hidden))

    def apply(params: Any, x: Array) -> Any:
        return second.apply(params[1], first.apply(params[0], x))

    return Layer((first.shapes, second.shapes), apply)
