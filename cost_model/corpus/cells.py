"""Cells of searched architectures: many small operations, summed in pairs, concatenated."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import activate, block, classify, norm
from cosmalloc.cost_model.corpus.image_layers import channels, conv, depthwise, pool
from cosmalloc.cost_model.corpus.image_network import Network

OPERATIONS = (
    "separable 3",
    "separable 5",
    "separable 7",
    "dilated 3",
    "dilated 5",
    "conv 3",
    "rows and columns 7",
    "max 3",
    "mean 3",
    "same",
)


def nas_cell(draw: Draw) -> Model:
    """One or two cells of drawn operations (Zoph, 2018; Liu, 2019)."""
    net = Network(draw, most=1e8, largest=300_000)
    return net.model(_cells, net.picture(colours=False))


def _cells(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu", "relu", "silu"), ("batch", "batch", "none"))
    older = x
    for _ in range(draw.one((1, 1, 2))):
        x = block(net, x, kernel=1)
        wide = channels(net, x)
        ready = [
            _ready(net, older, x, wide),
            norm(net, conv(net, activate(net, x), wide, kernel=1)),
        ]
        for _ in range(draw.size(2, 4)):
            pair = [_operation(net, draw.one(ready), draw.one(OPERATIONS)) for _ in range(2)]
            ready.append(pair[0] + pair[1])
        older, x = x, jnp.concatenate(ready[2:], axis=-1)
        if draw.flip(0.4):
            x = pool(net, x, draw.one(("max", "mean")), 3, 2)
    return classify(net, x)


def _ready(net: Network, older: Array, x: Array, wide: int) -> Array:
    """The older input with the channels and the sizes of this cell."""
    steps = [-(-n // m) for n, m in zip(older.shape[1:-1], x.shape[1:-1], strict=True)]
    return norm(net, conv(net, activate(net, older), wide, kernel=1, stride=steps))


def _operation(net: Network, x: Array, name: str) -> Array:
    """x through the named operation, which keeps its shape."""
    kind, _, size = name.rpartition(" ")
    wide = channels(net, x)
    if kind == "separable":
        for _ in range(net.draw.one((1, 2))):
            y = depthwise(net, activate(net, x, "relu"), int(size))
            x = norm(net, conv(net, y, wide, kernel=1))
        return x
    if kind == "dilated":
        y = depthwise(net, activate(net, x, "relu"), int(size), dilation=2)
        return norm(net, conv(net, y, wide, kernel=1))
    if kind == "conv":
        return block(net, x, wide, kernel=int(size))
    if kind == "rows and columns":
        return block(net, block(net, x, wide, kernel=(1, 7)), wide, kernel=(7, 1))
    if kind in ("max", "mean"):
        return pool(net, x, "max" if kind == "max" else "mean", int(size), 1)
    return x
