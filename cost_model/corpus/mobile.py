"""Small networks for phones: depthwise convolutions, gates, shuffles."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import (
    activate,
    block,
    classify,
    norm,
    same_channels,
    squeeze_excite,
)
from cosmalloc.cost_model.corpus.image_layers import (
    axis,
    channels,
    conv,
    depthwise,
    pool,
    space,
)
from cosmalloc.cost_model.corpus.image_network import Network

NORMS = ("batch", "batch", "batch", "none", "statistics")


def mobilenet(draw: Draw) -> Model:
    """Separable blocks (Howard, 2017) or inverted bottlenecks (Sandler, 2018)."""
    net = Network(draw, most=1e8, largest=1_000_000)
    net.first = draw.flip(0.15)
    return net.model(_mobilenet, net.picture())


def _mobilenet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu6", "relu6", "relu", "hard_swish"), NORMS)
    x = block(net, x, kernel=3, stride=draw.one((1, 2)))
    wider = draw.flip(0.6)
    for _ in range(draw.size(1, 5)):
        x = inverted(net, x, False) if wider else _separable(net, x)
    return classify(net, block(net, x, kernel=1))


def _separable(net: Network, x: Array) -> Array:
    """Depthwise, then 1 x 1."""
    y = depthwise(net, x, net.draw.one((3, 3, 5)), net.draw.one((1, 1, 2)))
    return block(net, activate(net, norm(net, y)), kernel=1)


def inverted(net: Network, x: Array, gated: bool) -> Array:
    """Wider by 1 x 1, depthwise, narrower by 1 x 1; a sum where the sizes allow it."""
    draw = net.draw
    inner, positions = channels(net, x), x.shape[0] * math.prod(space(net, x))
    most = int(net.flops / (2 * positions * inner))
    y = block(net, x, min(inner * draw.one((1, 2, 3, 4, 6)), max(4, most)), kernel=1)
    y = depthwise(net, y, draw.one((3, 3, 5)), draw.one((1, 1, 2)))
    y = activate(net, norm(net, y))
    y = squeeze_excite(net, y) if gated and draw.flip(0.8) else y
    kept = space(net, x) == space(net, y) and draw.flip()
    y = norm(net, conv(net, y, channels(net, x) if kept else 0, kernel=1))
    return x + y if kept else y


def efficientnet(draw: Draw) -> Model:
    """Inverted bottlenecks with squeeze and excitation, and fused ones (Tan, 2019 and 2021)."""
    net = Network(draw, most=1e8, largest=1_000_000)
    return net.model(_efficientnet, net.picture())


def _efficientnet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("silu", "silu", "hard_swish", "relu"), NORMS)
    x = block(net, x, kernel=3, stride=draw.one((1, 2)))
    if draw.flip(0.3):
        y = norm(net, conv(net, block(net, x, kernel=3), kernel=1))
        x = y + same_channels(net, x, y)
    for _ in range(draw.size(1, 4)):
        x = inverted(net, x, True)
    return classify(net, block(net, x, kernel=1))


def shufflenet(draw: Draw) -> Model:
    """Grouped 1 x 1 with shuffled channels, or halves that swap (Zhang, 2017; Ma, 2018)."""
    net = Network(draw, most=1e8, largest=1_000_000)
    net.first = draw.flip(0.2)
    return net.model(_shufflenet, net.picture())


def _shufflenet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu", "relu", "hard_swish"), NORMS)
    groups = draw.one((2, 2, 3, 4, 8))
    x = block(net, x, groups * draw.size(2, 32), kernel=draw.one((1, 3)))
    halves = draw.flip()
    for _ in range(draw.size(1, 4)):
        x = _halves(net, x) if halves else _grouped(net, x, groups)
    return classify(net, x)


def _shuffle(net: Network, x: Array, groups: int) -> Array:
    """Channel (g, c) becomes (c, g), by a reshape and a transpose."""
    inner = channels(net, x) // groups
    if net.first:
        split = x.reshape(x.shape[0], groups, inner, *x.shape[2:])
        return jnp.swapaxes(split, 1, 2).reshape(x.shape)
    return jnp.swapaxes(x.reshape(*x.shape[:-1], groups, inner), -1, -2).reshape(x.shape)


def _grouped(net: Network, x: Array, groups: int) -> Array:
    draw = net.draw
    groups = groups if channels(net, x) % groups == 0 else 1
    out = groups * draw.size(2, 48)
    y = _shuffle(net, block(net, x, out, kernel=1, groups=groups), groups)
    y = norm(net, depthwise(net, y, draw.one((3, 5)), draw.one((1, 1, 2))))
    if space(net, y) != space(net, x):
        y = norm(net, conv(net, y, groups * draw.size(2, 48), kernel=1, groups=groups))
        return activate(net, jnp.concatenate([pool(net, x, "mean", 3, 2), y], axis(net)))
    y = norm(net, conv(net, y, channels(net, x), kernel=1, groups=groups))
    return activate(net, x + y)


def _halves(net: Network, x: Array) -> Array:
    kept, worked = jnp.split(x, [channels(net, x) // 2], axis(net))
    y = block(net, worked, kernel=1)
    y = norm(net, depthwise(net, y, net.draw.one((3, 5))))
    y = block(net, y, kernel=1)
    joined = jnp.concatenate([kept, y], axis(net))
    return _shuffle(net, joined, 2) if channels(net, joined) % 2 == 0 else joined
