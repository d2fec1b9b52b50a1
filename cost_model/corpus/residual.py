"""Networks of residual blocks."""

from __future__ import annotations

import math

from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import (
    NEW,
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
    per_channel,
    pool,
    space,
    wide,
)
from cosmalloc.cost_model.corpus.image_network import Network

NORMS = ("batch", "batch", "batch", "none", "statistics", "group")


def resnet(draw: Draw) -> Model:
    """Basic and bottleneck blocks, the activation after the sum (He, 2015)."""
    net = Network(draw)
    net.first = draw.flip(0.2)
    return net.model(_resnet, net.picture())


def _resnet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, NORMS)
    x = _stem(net, x)
    bottleneck, gated = draw.flip(), draw.flip(0.2)
    for _ in range(draw.size(1, 4)):
        stride = draw.one((1, 1, 2))
        if bottleneck:
            y = block(net, block(net, x, kernel=1), kernel=3, stride=stride)
            y = norm(net, conv(net, y, kernel=1))
        else:
            y = block(net, x, kernel=draw.one((3, 3, 5)), stride=stride)
            y = norm(net, conv(net, y, kernel=3))
        y = squeeze_excite(net, y) if gated else y
        x = activate(net, y + same_channels(net, x, y))
    return classify(net, x)


def _stem(net: Network, x: Array) -> Array:
    """Half of the models begin with a large convolution, some of them with a pool."""
    if net.draw.flip():
        x = block(net, x, kernel=net.draw.one((3, 5, 7)), stride=2)
        if net.draw.flip():
            x = pool(net, x, "max", 3, 2)
    return x


def preact_resnet(draw: Draw) -> Model:
    """Normalisation and activation before the convolution (He, 2016)."""
    net = Network(draw)
    return net.model(_preact, net.picture())


def _preact(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits((*OLD, "silu"), tuple(kind for kind in NORMS if kind != "none"))
    x = conv(net, x, kernel=draw.one((1, 3, 5)))
    for _ in range(draw.size(1, 4)):
        before = activate(net, norm(net, x))
        y = conv(net, before, kernel=draw.one((1, 3, 3, 5)), stride=draw.one((1, 1, 2)))
        for _ in range(draw.one((1, 1, 2))):
            y = conv(net, activate(net, norm(net, y)), kernel=draw.one((1, 3, 3)))
        x = y + same_channels(net, before if draw.flip() else x, y)
    return classify(net, activate(net, norm(net, x)))


def resnext(draw: Draw) -> Model:
    """Bottlenecks with a grouped convolution (Xie, 2017)."""
    net = Network(draw, most=3e8)
    return net.model(_resnext, net.picture(colours=False))


def _resnext(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, NORMS)
    for _ in range(draw.size(1, 4)):
        y = block(net, x, kernel=1)
        groups = draw.one([g for g in (1, 2, 3, 4, 8, 16, 32) if channels(net, y) % g == 0])
        y = block(net, y, kernel=3, stride=draw.one((1, 1, 2)), groups=groups)
        y = norm(net, conv(net, y, kernel=1))
        x = activate(net, y + same_channels(net, x, y))
    return classify(net, x)


def regnet(draw: Draw) -> Model:
    """Stages whose widths grow by a rule, of bottlenecks with groups of one width, most with
    squeeze and excitation (Radosavovic, 2020)."""
    net = Network(draw, most=2e8, largest=1_000_000)
    net.first = draw.flip(0.2)
    return net.model(_regnet, net.picture())


def _regnet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu", "relu", "relu", "silu"), ("batch", "batch", "batch", "statistics", "none"))
    x = block(net, x, kernel=3, stride=draw.one((1, 2)))
    group, grown = draw.one((1, 2, 4, 8, 8, 16, 16, 24, 32, 48)), draw.one((1.5, 2.0, 2.2, 2.5))
    narrow, gated = draw.one((1, 1, 1, 2, 4)), draw.flip(0.6)
    width = float(wide(net, x.shape[0] * math.prod(space(net, x)), channels(net, x)))
    for stage in range(draw.size(1, 4)):
        inner = max(1, round(width / narrow / group)) * group
        out = inner * narrow
        for turn in range(draw.one((1, 1, 2))):
            stride = 2 if turn == 0 and (stage or draw.flip()) else 1
            y = block(net, x, inner, kernel=1)
            y = block(net, y, inner, kernel=3, stride=stride, groups=inner // group)
            y = squeeze_excite(net, y) if gated else y
            y = norm(net, conv(net, y, out, kernel=1))
            x = activate(net, y + same_channels(net, x, y))
        width = min(width * grown, 1024.0)
    return classify(net, x)


def convnext(draw: Draw) -> Model:
    """Depthwise 7 x 7, layer norm, a wide 1 x 1 with gelu, and back (Liu, 2022)."""
    net = Network(draw, most=1e8, largest=300_000)
    return net.model(_convnext, net.picture())


def _convnext(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("gelu", "gelu", "gelu_tanh", *NEW), ("layer", "layer", "batch"))
    patch = draw.one((1, 2, 4))
    x = norm(net, conv(net, x, kernel=patch, stride=patch))
    for _ in range(draw.size(1, 4)):
        y = norm(net, depthwise(net, x, draw.one((3, 5, 7, 7, 9))))
        hidden = activate(net, conv(net, y, kernel=1))
        y = conv(net, hidden, channels(net, x), kernel=1)
        x = x + (y * per_channel(net, y) if draw.flip() else y)
        if math.prod(x.shape[1:-1]) > 4 and draw.flip(0.6):
            x = conv(net, norm(net, x), kernel=2, stride=2)
    return classify(net, norm(net, x))
