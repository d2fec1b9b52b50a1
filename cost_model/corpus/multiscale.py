"""Networks whose features lie at several resolutions or are made twice, cheaply; channels last."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import (
    OLD,
    activate,
    block,
    classify,
    norm,
    same_channels,
    squeeze_excite,
)
from cosmalloc.cost_model.corpus.image_layers import (
    channels,
    conv,
    depthwise,
    pool,
    resize,
    space,
    wide,
)
from cosmalloc.cost_model.corpus.image_network import Network


def high_resolution(draw: Draw) -> Model:
    """Branches of two or three resolutions that exchange what they have (Sun, 2019)."""
    net = Network(draw, most=3e8, largest=1_000_000)
    return net.model(_high_resolution, net.picture())


def _high_resolution(net: Network, x: Array) -> tuple[Array, ...]:
    draw = net.draw
    net.habits(OLD, ("batch", "batch", "none", "statistics"))
    branches = [block(net, x, kernel=3)]
    for _ in range(draw.one((1, 2))):
        branches.append(block(net, branches[-1], kernel=3, stride=2))
    for _ in range(draw.one((1, 2))):
        branches = [_basic(net, branch) for branch in branches]
        branches = [_exchanged(net, branches, level) for level in range(len(branches))]
    return tuple(conv(net, branch, draw.size(1, 24), kernel=1) for branch in branches)


def _basic(net: Network, x: Array) -> Array:
    y = norm(net, conv(net, block(net, x, kernel=3), channels(net, x), kernel=3))
    return activate(net, x + y)


def _exchanged(net: Network, branches: list[Array], level: int) -> Array:
    """The sum of all branches at the resolution of one."""
    own = branches[level]
    total = own
    for other, x in enumerate(branches):
        if other > level:
            x = norm(net, conv(net, x, channels(net, own), kernel=1))
            total = total + resize(x, space(net, own), "nearest")
        elif other < level:
            steps = [-(-n // m) for n, m in zip(space(net, x), space(net, own), strict=True)]
            total = total + norm(net, conv(net, x, channels(net, own), kernel=3, stride=steps))
    return activate(net, total)


def ghostnet(draw: Draw) -> Model:
    """Half of the features by convolution, half by filtering those (Han, 2020)."""
    net = Network(draw, most=1e8, largest=1_000_000)
    return net.model(_ghostnet, net.picture())


def _ghostnet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu", "relu", "hard_swish"), ("batch", "batch", "none"))
    x = block(net, x, kernel=3, stride=draw.one((1, 2)))
    for _ in range(draw.size(1, 4)):
        y = _ghost(net, x, draw.one((1, 1, 3)))
        y = squeeze_excite(net, y) if draw.flip(0.3) else y
        y = norm(net, depthwise(net, y, 3, 2)) if draw.flip(0.3) else y
        y = norm(net, conv(net, y, kernel=1))
        x = y + same_channels(net, x, y)
    return classify(net, x)


def _ghost(net: Network, x: Array, kernel: int) -> Array:
    y = block(net, x, kernel=kernel)
    cheap = activate(net, norm(net, depthwise(net, y, net.draw.one((3, 5)))))
    return jnp.concatenate([y, cheap], axis=-1)


def poolformer(draw: Draw) -> Model:
    """Places mix by a mean of windows, channels by a perceptron (Yu, 2022)."""
    net = Network(draw, most=5e8, largest=1_000_000)
    return net.model(_poolformer, net.picture())


def _poolformer(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("gelu", "gelu_tanh", "relu", "silu"), ("group", "layer", "layer"))
    x = conv(net, x, kernel=draw.one((3, 7)), stride=draw.one((1, 2, 4)))
    for _ in range(draw.size(1, 3)):
        mixed = norm(net, x)
        mixed = pool(net, mixed, "mean", draw.one((3, 5)), 1) - mixed
        x = x + (mixed * net.parameter(channels(net, x)) if draw.flip() else mixed)
        positions = x.shape[0] * math.prod(space(net, x))
        hidden = wide(net, positions, channels(net, x))
        inner = activate(net, conv(net, norm(net, x), hidden, kernel=1))
        x = x + conv(net, inner, channels(net, x), kernel=1)
        if draw.flip(0.4):
            x = conv(net, x, kernel=3, stride=2)
    return classify(net, norm(net, x))
