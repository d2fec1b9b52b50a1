"""Networks that concatenate what earlier layers made."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import OLD, activate, block, classify, norm
from cosmalloc.cost_model.corpus.image_layers import axis, conv, pool
from cosmalloc.cost_model.corpus.image_network import Network


def densenet(draw: Draw) -> Model:
    """Blocks whose layers read all earlier layers of the block (Huang, 2017)."""
    net = Network(draw)
    net.first = draw.flip(0.2)
    return net.model(_densenet, net.picture())


def _densenet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("batch", "batch", "statistics", "group"))
    x = block(net, x, kernel=draw.one((3, 7)), stride=draw.one((1, 2)))
    narrow, before = draw.flip(0.6), draw.flip(0.7)
    for _ in range(draw.one((1, 2, 2))):
        for _ in range(draw.size(2, 4)):
            x = jnp.concatenate([x, _layer(net, x, narrow, before)], axis(net))
        x = conv(net, activate(net, norm(net, x)), kernel=1)
        x = pool(net, x, draw.one(("mean", "mean", "max")))
    return classify(net, activate(net, norm(net, x)))


def _layer(net: Network, x: Array, narrow: bool, before: bool) -> Array:
    """narrow: a 1 x 1 first; before: normalisation and activation before each convolution."""
    for kernel in (1, 3) if narrow else (3,):
        if before:
            x = conv(net, activate(net, norm(net, x)), kernel=kernel)
        else:
            x = block(net, x, kernel=kernel)
    return x
