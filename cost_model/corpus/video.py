"""Networks on films: three dimensions of space."""

from __future__ import annotations

from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import (
    OLD,
    activate,
    block,
    classify,
    norm,
    same_channels,
)
from cosmalloc.cost_model.corpus.image_layers import conv, depthwise, pool
from cosmalloc.cost_model.corpus.image_network import Network


def film(draw: Draw) -> Model:
    """Full, factored (2 + 1) or depthwise convolutions in 3-D (Tran, 2018; Xie, 2018)."""
    net = Network(draw, most=3e8, largest=600_000)
    net.batch = draw.one((1, 1, 1, 2, 4))
    return net.model(_film, net.picture(rank=3))


def _film(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("batch", "batch", "none", "statistics"))
    kind = draw.one(("full", "factored", "factored", "depthwise"))
    x = _three(net, x, "full" if draw.flip() else "factored", draw.one((1, 2)))
    for _ in range(draw.size(1, 4)):
        y = _three(net, x, kind, draw.one((1, 1, 2)))
        if draw.flip(0.3):
            y = _three(net, y, kind, 1)
        x = activate(net, y + same_channels(net, x, y)) if draw.flip(0.6) else y
        if draw.flip(0.2):
            x = pool(net, x, draw.one(("max", "mean")))
    return classify(net, x)


def _three(net: Network, x: Array, kind: str, stride: int) -> Array:
    """A block that reads three frames, rows and columns."""
    if kind == "full":
        return block(net, x, kernel=3, stride=stride)
    if kind == "factored":
        x = block(net, x, kernel=(1, 3, 3), stride=(1, stride, stride))
        return block(net, x, kernel=(3, 1, 1), stride=(stride, 1, 1))
    y = norm(net, depthwise(net, x, 3, stride))
    return norm(net, conv(net, activate(net, y), kernel=1))
