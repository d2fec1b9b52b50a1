"""Plain convolutional networks, and ones with branches."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import OLD, activate, block, classify
from cosmalloc.cost_model.corpus.image_layers import axis, channels, conv, pool, space
from cosmalloc.cost_model.corpus.image_network import Network


def plain_cnn(draw: Draw) -> Model:
    """Convolutions and pools, as in AlexNet and VGG; a third with channels before space."""
    net = Network(draw)
    net.first = draw.flip(0.35)
    return net.model(_plain, net.picture())


def _plain(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("none", "none", "batch", "statistics"))
    padding = draw.one(("SAME", "SAME", "VALID"))
    for _ in range(draw.size(3, 9)):
        kernel = draw.one((1, 3, 3, 3, 3, 5, 7, (1, 3), (5, 1)))
        stride = draw.one((1, 1, 1, 2, 2, 3, (2, 1)))
        x = block(net, x, kernel=kernel, stride=stride, padding=padding)
        if draw.flip(0.3):
            x = pool(
                net, x, draw.one(("max", "max", "mean")), draw.one((2, 2, 3)), draw.one((1, 2))
            )
    return classify(net, x)


def inception(draw: Draw) -> Model:
    """Blocks of branches of several kernels, 1 x 7 and 7 x 1 among them (Szegedy, 2015)."""
    net = Network(draw)
    return net.model(_inception, net.picture())


def _inception(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("none", "batch", "batch"))
    if draw.flip():
        x = block(net, x, kernel=draw.one((3, 5, 7)), stride=draw.one((1, 2)))
    for _ in range(draw.size(1, 3)):
        x = jnp.concatenate([_branch(net, x, branch) for branch in _branches(net)], axis=axis(net))
        if draw.flip(0.4):
            x = pool(net, x, draw.one(("max", "mean")), 3, 2)
    return classify(net, x)


def _branches(net: Network) -> list[str]:
    kinds = ["point", "single", "double", "long", "split", "pool"]
    chosen = [kind for kind in kinds if net.draw.flip()]
    return chosen if len(chosen) > 1 else ["point", "single"]


def _branch(net: Network, x: Array, kind: str) -> Array:
    long = net.draw.one((3, 5, 7, 7))
    if kind == "pool":
        return block(net, pool(net, x, net.draw.one(("max", "mean")), 3, 1), kernel=1)
    x = block(net, x, kernel=1)
    if kind == "single":
        x = block(net, x, kernel=net.draw.one((3, 5)))
    if kind == "double":
        x = block(net, block(net, x, kernel=3), kernel=3)
    if kind == "long":
        x = block(net, block(net, x, kernel=(1, long)), kernel=(long, 1))
    if kind == "split":
        sides = [block(net, x, kernel=(1, 3)), block(net, x, kernel=(3, 1))]
        x = jnp.concatenate(sides, axis=axis(net))
    return x


def squeezenet(draw: Draw) -> Model:
    """Fire blocks: few channels, then 1 x 1 beside 3 x 3 (Iandola, 2016)."""
    net = Network(draw)
    net.first = draw.flip(0.2)
    return net.model(_squeezenet, net.picture())


def _squeezenet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("none", "none", "batch"))
    if draw.flip(0.6):
        x = block(net, x, kernel=draw.one((3, 7)), stride=2, padding=draw.one(("SAME", "VALID")))
    for _ in range(draw.size(2, 4)):
        few = max(4, channels(net, x) // draw.one((2, 4, 8)))
        squeezed = block(net, x, few, kernel=1)
        wide = [block(net, squeezed, kernel=1), block(net, squeezed, kernel=3)]
        joined = jnp.concatenate(wide, axis=axis(net))
        x = joined + x if joined.shape == x.shape else joined
        if min(space(net, x)) > 3 and draw.flip(0.4):
            x = pool(net, x, "max", 3, 2)
    scores = activate(net, conv(net, x, kernel=1))
    return jnp.mean(scores, axis=(2, 3) if net.first else (1, 2))
