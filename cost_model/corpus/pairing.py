"""Pictures and their words in one space."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from cosmalloc.cost_model.corpus.attention_layer import (
    Sizes,
    block_sizes,
    blocks,
    table,
    transformer_block,
)
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.image_blocks import NEW, OLD, block, same_channels
from cosmalloc.cost_model.corpus.image_layers import everywhere, pool
from cosmalloc.cost_model.corpus.image_network import Network
from cosmalloc.cost_model.corpus.masks import causal
from cosmalloc.cost_model.corpus.patches import patches
from cosmalloc.cost_model.corpus.sequence_layers import (
    Function,
    Layer,
    dense,
    embedding,
    floats,
    integers,
    norm,
    stack,
)

Encoder = tuple[int, Layer, ShapeDtypeStruct]  # width of its output, the layer, its input


def contrastive(draw: Draw) -> Model:
    """Two encoders, the angles of all pairs, a loss that wants the pairs of one number near
    (Radford, 2021; Zhai, 2023), or the angles alone."""
    flops, batch = budget(draw, high=4 * 10**8), draw.size(2, 128)
    high, pictures, image = draw.one((_patched, _convolved))(draw, flops, batch)
    low, words, tokens = _read(draw, flops, batch)
    shared, biased = draw.size(8, 768, draw.one((1, 8, 16))), draw.flip(0.2)
    parts = {
        "pictures": pictures,
        "words": words,
        "high": dense(draw, high, shared, biased),
        "low": dense(draw, low, shared, biased),
    }
    shapes = {name: part.shapes for name, part in parts.items()} | {"scale": floats(draw)}
    near, loss = _nearness(draw), draw.one((_by_rows_and_columns, _by_rows_and_columns, _by_pairs))
    learns, only_words = draw.flip(0.7), draw.flip(0.3)

    def apply(params: Any, image: Array, tokens: Array) -> Any:
        a = parts["pictures"].apply(params["pictures"], image)
        b = parts["words"].apply(params["words"], tokens)
        a = near(parts["high"].apply(params["high"], a))
        b = near(parts["low"].apply(params["low"], b))
        angles = jnp.exp(params["scale"]) * (a @ b.T)
        if learns:
            return loss(angles), angles
        return jax.nn.softmax(angles.T if only_words else angles, axis=-1)

    return apply, (shapes, image, tokens)


def _patched(draw: Draw, flops: int, batch: int) -> Encoder:
    """A transformer over patches; the mean of its places."""
    patch = draw.one((4, 8, 14, 16, 16))

    def sample() -> tuple[int, int, Sizes]:
        rows, columns = draw.size(1, 14), draw.size(1, 14)
        return rows, columns, block_sizes(draw, batch, rows * columns, rows * columns, False)

    def cost(drawn: tuple[int, int, Sizes]) -> tuple[float, float]:
        operations, elements = drawn[2].cost()
        return operations, max(elements, batch * drawn[0] * drawn[1] * patch * patch * 3)

    rows, columns, first = fit(flops, sample, cost)
    cut = patches(draw, patch, first.width)
    made = blocks(draw, flops, first, lambda sizes: transformer_block(draw, sizes), 2)
    body, final = stack(draw, first.width, made), norm(draw, made[-1][0])
    places = floats(draw, first.length, first.width)

    def apply(params: Any, image: Array) -> Any:
        x = body.apply(params[2], cut.apply(params[0], image) + params[1])
        return final.apply(params[3], x.mean(1))

    layer = Layer((cut.shapes, places, body.shapes, final.shapes), apply)
    return made[-1][0], layer, floats(draw, batch, rows * patch, columns * patch, 3)


def _convolved(draw: Draw, flops: int, batch: int) -> Encoder:
    """A residual network; the mean of its places."""
    net = Network(draw, most=float(max(flops, 10**6)), largest=1_000_000)
    net.batch = batch
    function, (shapes, image) = net.model(_residual, net.picture(colours=True))
    return jax.eval_shape(function, shapes, image).shape[-1], Layer(shapes, function), image


def _residual(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits((*OLD, *NEW), ("batch", "batch", "none", "group", "statistics"))
    x = block(net, x, kernel=draw.one((3, 5, 7)), stride=draw.one((1, 2)))
    x = pool(net, x, "max", 3, 2) if draw.flip(0.4) else x
    for _ in range(draw.one((1, 2, 3))):
        y = block(net, x, kernel=draw.one((1, 3, 3)), stride=draw.one((1, 2)))
        x = y + same_channels(net, x, y)
    return everywhere(net, x)


def _read(draw: Draw, flops: int, batch: int) -> Encoder:
    """Tokens and places through blocks; the place of the largest token, the first or the mean."""

    def sample() -> Sizes:
        length = draw.size(2, 128)
        return block_sizes(draw, batch, length, length, False)

    first = fit(flops, sample, Sizes.cost)
    made = blocks(draw, flops, first, lambda sizes: transformer_block(draw, sizes), 2)
    words, body = (
        embedding(draw, table(draw, first.width)[0], first.width),
        stack(draw, first.width, made),
    )
    final, change = norm(draw, made[-1][0]), causal(draw) if draw.flip(0.7) else None
    which = draw.one(("largest", "largest", "first", "mean"))
    places = floats(draw, first.length, first.width)

    def apply(params: Any, tokens: Array) -> Any:
        x = words.apply(params[0], tokens) + params[1]
        x = final.apply(params[3], body.apply(params[2], x, change))
        if which == "largest":
            return x[jnp.arange(batch), tokens.argmax(-1)]
        return x[:, 0] if which == "first" else x.mean(1)

    layer = Layer((words.shapes, places, body.shapes, final.shapes), apply)
    return made[-1][0], layer, integers(batch, first.length)


def _nearness(draw: Draw) -> Function:
    """Vectors of length one, by a root of the sum of squares or by its inverse."""
    epsilon = draw.one((0.0, 1e-6, 1e-12))
    kinds: tuple[Function, ...] = (
        lambda x: x / jnp.linalg.norm(x, axis=-1, keepdims=True),
        lambda x: x * jax.lax.rsqrt(jnp.square(x).sum(-1, keepdims=True) + epsilon),
        lambda x: x / jnp.maximum(jnp.sqrt(jnp.square(x).sum(-1, keepdims=True)), 1e-3),
    )
    return draw.one(kinds)


def _by_rows_and_columns(angles: Array) -> Array:
    own = jnp.arange(angles.shape[0])[:, None]
    losses = [
        jnp.take_along_axis(jax.nn.log_softmax(scores, axis=-1), own, axis=-1).mean()
        for scores in (angles, angles.T)
    ]
    return -(losses[0] + losses[1]) / 2


def _by_pairs(angles: Array) -> Array:
    """Every pair is a question by itself: the sigmoid's loss."""
    signs = 2 * jnp.eye(angles.shape[0], dtype=angles.dtype) - 1
    return -jax.nn.log_sigmoid(signs * angles).sum(-1).mean()
