"""Ordinary networks with parts that change nothing, or that hang on constants alone."""

from __future__ import annotations

from typing import Any

from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import (
    Sizes,
    attention,
    blocks,
    draw_sizes,
)
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget
from cosmalloc.cost_model.corpus.idle import idle
from cosmalloc.cost_model.corpus.image_blocks import (
    NEW,
    OLD,
    activate,
    classify,
    norm,
    same_channels,
)
from cosmalloc.cost_model.corpus.image_layers import conv, depthwise, pool
from cosmalloc.cost_model.corpus.image_network import Network
from cosmalloc.cost_model.corpus.masks import rotary
from cosmalloc.cost_model.corpus.sequence_layers import (
    Function,
    Layer,
    activation,
    chain,
    dense,
    feed_forward,
    floats,
    pointwise,
    residual,
    stack,
)
from cosmalloc.cost_model.corpus.tabular import perceptron, rows_and_width


def folded(draw: Draw) -> Model:
    """Perceptrons, convolutions or attention as exporters write them, with what a compiler could
    fold."""
    return draw.one((_perceptrons, _pictures, _pictures, _tokens, _tokens))(draw)


def _maybe(draw: Draw, likely: float = 0.6) -> Function:
    return idle(draw) if draw.flip(likely) else _same


def _same(x: Array) -> Array:
    return x


def _perceptrons(draw: Draw) -> Model:
    flops = budget(draw)
    rows, width = rows_and_width(draw, flops)
    layers, inputs = [], width
    for _ in range(draw.one((1, 2, 3, 4))):
        inputs, layer = perceptron(draw, flops, rows, inputs, 1)
        layers += [layer, pointwise(_maybe(draw, 0.7))]
    whole = chain(*layers, dense(draw, inputs, draw.size(1, 1000)), pointwise(_maybe(draw)))
    return whole.apply, (whole.shapes, floats(draw, rows, width))


def _pictures(draw: Draw) -> Model:
    net = Network(draw, most=5e8, largest=1_000_000)
    net.first = draw.flip(0.35)
    return net.model(_convolutions, net.picture())


def _convolutions(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits((*OLD, *NEW), ("none", "none", "batch", "statistics"))
    for _ in range(draw.size(1, 5)):
        y = _maybe(draw)(x)
        if draw.flip(0.25):
            y = depthwise(net, y, draw.one((3, 5)), draw.one((1, 1, 2)))
        else:
            y = conv(net, y, kernel=draw.one((1, 3, 3, 5)), stride=draw.one((1, 1, 2)))
        y = activate(net, norm(net, _maybe(draw)(y)))
        x = y + same_channels(net, x, y) if draw.flip(0.3) else y
        x = pool(net, x, draw.one(("max", "mean"))) if draw.flip(0.2) else x
    return _maybe(draw)(classify(net, _maybe(draw)(x)))


def _tokens(draw: Draw) -> Model:
    flops = budget(draw)
    first = draw_sizes(draw, flops)
    made = blocks(draw, flops, first, lambda sizes: _block(draw, sizes), 2)
    body, entry, ending = stack(draw, first.width, made), _maybe(draw, 0.7), _maybe(draw)
    head = dense(draw, made[-1][0], draw.size(2, 1000))

    def apply(params: Any, x: Array) -> Any:
        x = body.apply(params[0], entry(x))
        return ending(head.apply(params[1], x))

    return apply, ((body.shapes, head.shapes), floats(draw, first.batch, first.length, first.width))


def _block(draw: Draw, sizes: Sizes) -> Layer:
    """Attention and a feed-forward layer; idle parts at the scores and around both."""
    turns = rotary(draw) if draw.flip(0.2) else None
    reads, scores = attention(draw, sizes, turns), _maybe(draw, 0.7)
    after = [_maybe(draw) for _ in range(3)]
    inner = chain(
        dense(draw, sizes.width, sizes.hidden),
        pointwise(after[0]),
        pointwise(activation(draw)),
        dense(draw, sizes.hidden, sizes.width),
    )
    fed = inner if draw.flip(0.6) else feed_forward(draw, sizes.width, sizes.hidden)
    first = residual(draw, sizes.width, reads)
    second = residual(draw, sizes.width, chain(fed, pointwise(after[1])))

    def apply(params: Any, x: Array) -> Any:
        x = after[2](first.apply(params[0], x, scores))
        return second.apply(params[1], x)

    return Layer((first.shapes, second.shapes), apply)
