"""Networks over the patches of an image: vision transformer and mixer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import (
    Sizes,
    block_sizes,
    blocks,
    transformer_block,
)
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    feed_forward,
    floats,
    norm,
    residual,
    stack,
)


def vision_transformer(draw: Draw) -> Model:
    """Patches, places, perhaps a token of the class, blocks, classes by token or by mean."""
    flops, patch, token = budget(draw), draw.one((2, 4, 4, 8, 8, 14, 16)), draw.flip()

    def sample() -> tuple[int, int, Sizes]:
        rows, columns = draw.size(2, 28), draw.size(2, 28)
        length = rows * columns + token
        return rows, columns, block_sizes(draw, draw.size(1, 16), length, length, False)

    def cost(drawn: tuple[int, int, Sizes]) -> tuple[float, float]:
        operations, elements = drawn[2].cost()
        image = drawn[2].batch * drawn[0] * drawn[1] * patch * patch * 3
        return operations, max(elements, image)

    rows, columns, first = fit(flops, sample, cost)
    made = blocks(draw, flops, first, lambda sizes: transformer_block(draw, sizes))
    body, cut = stack(draw, first.width, made), patches(draw, patch, first.width)
    final, head = norm(draw, made[-1][0]), dense(draw, made[-1][0], draw.size(2, 1000))
    parts = {"cut": cut, "body": body, "final": final, "head": head}
    shapes = {name: part.shapes for name, part in parts.items()}
    shapes["places"] = floats(draw, 1, first.length, first.width)
    if token:
        shapes["token"] = floats(draw, 1, 1, first.width)

    def apply(params: Any, image: Array) -> Any:
        x = cut.apply(params["cut"], image)
        if token:
            own = jnp.broadcast_to(params["token"], (first.batch, 1, first.width))
            x = jnp.concatenate([own, x], axis=1)
        x = body.apply(params["body"], x + params["places"])
        x = final.apply(params["final"], x)
        return head.apply(params["head"], x[:, 0] if token else x.mean(1))

    return apply, (shapes, floats(draw, first.batch, rows * patch, columns * patch, 3))


def patches(draw: Draw, patch: int, width: int) -> Layer:
    """(batch, rows * patch, columns * patch, 3) -> (batch, rows * columns, width)."""
    if draw.flip():
        kernel = floats(draw, patch, patch, 3, width)

        def convolve(params: Array, image: Array) -> Any:
            layout = ("NHWC", "HWIO", "NHWC")
            y = jax.lax.conv_general_dilated(
                image, params, (patch, patch), "VALID", dimension_numbers=layout
            )
            return y.reshape(y.shape[0], -1, width)

        return Layer(kernel, convolve)
    flat = dense(draw, patch * patch * 3, width)

    def reshape(params: Any, image: Array) -> Any:
        batch, high, wide, _ = image.shape
        x = image.reshape(batch, high // patch, patch, wide // patch, patch, 3)
        x = x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, -1, patch * patch * 3)
        return flat.apply(params, x)

    return Layer(flat.shapes, reshape)


def mixer(draw: Draw) -> Model:
    """A perceptron across the places, then one across the channels, one to three times."""
    flops, whole = budget(draw), draw.one((1, 1, 8))

    def wide(low: int = 16, high: int = 1024) -> int:
        return draw.size(low, high, draw.one((1, 4, 8, 16)))

    def cost(drawn: tuple[int, int, int, int, int]) -> tuple[float, float]:
        batch, length, width, across, hidden = drawn
        products = batch * length * width * max(across, hidden)
        return 2 * products, max(
            batch * width * max(length, across), 2 * batch * length * hidden, 2 * width * hidden
        )

    def block(first: tuple[int, int] | None) -> tuple[int, int, int, int, int]:
        def sample() -> tuple[int, int, int, int, int]:
            batch, length = first or (draw.size(1, 64), draw.size(4, 1024, whole))
            return batch, length, wide(), wide(high=2048), wide(high=2048)

        return fit(flops, sample, cost)

    drawn = [block(None)]
    batch, length, width, *_ = drawn[0]
    drawn += [block((batch, length)) for _ in range(draw.one(range(3)))]
    made = [(own[2], _mixing(draw, length, *own[2:])) for own in drawn]
    body = stack(draw, width, made)
    final, head = norm(draw, made[-1][0]), dense(draw, made[-1][0], draw.size(2, 1000))

    def apply(params: Any, x: Array) -> Any:
        x = final.apply(params[1], body.apply(params[0], x))
        return head.apply(params[2], x.mean(1))

    return apply, ((body.shapes, final.shapes, head.shapes), floats(draw, batch, length, width))


def _mixing(draw: Draw, length: int, width: int, across: int, hidden: int) -> Layer:
    places = feed_forward(draw, length, across, gated=False)

    def turned(params: Any, x: Array) -> Any:
        return places.apply(params, x.swapaxes(1, 2)).swapaxes(1, 2)

    first = residual(draw, width, Layer(places.shapes, turned))
    second = residual(draw, width, feed_forward(draw, width, hidden))

    def apply(params: Any, x: Array) -> Any:
        return second.apply(params[1], first.apply(params[0], x))

    return Layer((first.shapes, second.shapes), apply)
