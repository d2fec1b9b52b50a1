"""Attention beside convolutions, to a few latents, and routing between capsules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import (
    Sizes,
    attention,
    blocks,
    draw_sizes,
    transformer_block,
)
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    activation,
    dense,
    feed_forward,
    floats,
    residual,
    stack,
)


def conformer(draw: Draw) -> Model:
    """Half a feed-forward layer, attention, a gated convolution over time, the other half (Gulati,
    2020)."""
    flops = budget(draw)
    first = draw_sizes(draw, flops)
    made = blocks(draw, flops, first, lambda sizes: _conformer(draw, sizes), 2)
    body, head = stack(draw, first.width, made), dense(draw, made[-1][0], draw.size(8, 512))

    def apply(params: Any, x: Array) -> Any:
        return jax.nn.log_softmax(head.apply(params[1], body.apply(params[0], x)))

    return apply, ((body.shapes, head.shapes), floats(draw, first.batch, first.length, first.width))


def _conformer(draw: Draw, sizes: Sizes) -> Layer:
    width = sizes.width
    parts = [
        residual(draw, width, feed_forward(draw, width, sizes.hidden, gated=False)),
        residual(draw, width, attention(draw, sizes)),
        residual(draw, width, _over_time(draw, width)),
        residual(draw, width, feed_forward(draw, width, sizes.hidden, gated=False)),
    ]

    def apply(params: Any, x: Array) -> Any:
        for part, own in zip(parts, params, strict=True):
            x = part.apply(own, x)
        return x

    return Layer([part.shapes for part in parts], apply)


def _over_time(draw: Draw, width: int) -> Layer:
    """A gate, a filter of each channel over time, an activation, a product."""
    up, down = dense(draw, width, 2 * width), dense(draw, width, width)
    taps, act = draw.one((3, 7, 15, 31)), activation(draw)

    def apply(params: Any, x: Array) -> Any:
        value, gate = jnp.split(up.apply(params["up"], x), 2, axis=-1)
        y = jax.lax.conv_general_dilated(
            value * jax.nn.sigmoid(gate),
            params["taps"],
            (1,),
            "SAME",
            dimension_numbers=("NWC", "WIO", "NWC"),
            feature_group_count=width,
        )
        return down.apply(params["down"], act(y * params["scale"]))

    shapes = {"up": up.shapes, "down": down.shapes, "taps": floats(draw, taps, 1, width)}
    return Layer(shapes | {"scale": floats(draw, width)}, apply)


def perceiver(draw: Draw) -> Model:
    """A few latents attend to a long input, then to each other (Jaegle, 2021)."""
    flops = budget(draw)
    first = draw_sizes(draw, flops, memory=True)
    inner = replace(first, memory=first.length)
    reads = residual(draw, first.width, attention(draw, first, crossed=True))
    thinks = [transformer_block(draw, inner) for _ in range(draw.one((1, 2)))]
    again, head = draw.flip(), dense(draw, first.width, draw.size(2, 1000))

    def apply(params: Any, memory: Array) -> Any:
        x = jnp.broadcast_to(params["latents"], (first.batch, first.length, first.width))
        for layer, own in zip(thinks, params["thinks"], strict=True):
            x = layer.apply(own, reads.apply(params["reads"], x, None, memory))
        x = reads.apply(params["reads"], x, None, memory) if again else x
        return head.apply(params["head"], x.mean(1))

    shapes = {
        "latents": floats(draw, 1, first.length, first.width),
        "reads": reads.shapes,
        "thinks": [layer.shapes for layer in thinks],
        "head": head.shapes,
    }
    return apply, (shapes, floats(draw, first.batch, first.memory, first.width))


def capsule(draw: Draw) -> Model:
    """Vectors that vote for vectors, weighed by agreement, two or three times (Sabour, 2017)."""
    flops = budget(draw, high=3 * 10**8)

    def sample() -> tuple[int, int, int, int, int]:
        sizes = (draw.size(1, 32), draw.size(8, 1152, 8), draw.size(4, 32))
        return (*sizes, draw.one((4, 8, 16)), draw.one((8, 16, 24)))

    batch, low, high, given, made = fit(
        flops,
        sample,
        lambda s: (2 * s[0] * s[1] * s[2] * s[3] * s[4], s[0] * s[1] * s[2] * s[4]),
    )
    times = draw.one((2, 3))

    def apply(weights: Array, x: Array) -> Any:
        votes = jnp.einsum("bid,ijde->bije", _squashed(x), weights)
        routes = jnp.zeros(votes.shape[:-1], votes.dtype)
        for turn in range(times):
            made = _squashed(jnp.einsum("bij,bije->bje", jax.nn.softmax(routes), votes))
            if turn < times - 1:
                routes = routes + jnp.einsum("bije,bje->bij", votes, made)
        return jnp.sqrt(jnp.square(made).sum(-1) + 1e-7)

    return apply, (floats(draw, low, high, given, made), floats(draw, batch, low, given))


def _squashed(x: Array) -> Array:
    """As long as below 1, in the same direction."""
    square = jnp.square(x).sum(-1, keepdims=True)
    squashed: Array = x * (square / (1 + square) * jax.lax.rsqrt(square + 1e-7))
    return squashed
