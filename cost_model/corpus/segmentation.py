"""Networks with a result for every point: down, up, and across; channels last."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import OLD, block
from cosmalloc.cost_model.corpus.image_layers import (
    channels,
    conv,
    everywhere,
    fitted,
    pool,
    resize,
    transposed,
)
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network


def unet(draw: Draw) -> Model:
    """Down by pools, up by resizes or transposed convolutions, joined (Ronneberger, 2015)."""
    net = Network(draw, largest=1_500_000)
    return net.model(_unet, net.picture())


def _unet(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits((*OLD, "silu"), ("batch", "none", "instance", "group"))
    kept: list[Array] = []
    twice, up = draw.flip(), draw.one(("nearest", "linear", "transposed", "transposed"))
    depth = min(draw.size(1, 3), int(math.log2(max(min(x.shape[1:-1]), 2))))
    for _ in range(depth):
        x = _stage(net, x, twice)
        kept.append(x)
        x = pool(net, x, "max") if draw.flip(0.7) else conv(net, x, stride=2)
    x = _stage(net, x, twice)
    for skip in reversed(kept):
        x = _larger(net, x, skip.shape[1:-1], up)
        x = _stage(net, jnp.concatenate([skip, x], axis=-1), twice)
    return conv(net, x, draw.size(1, 20), kernel=1)


def _stage(net: Network, x: Array, twice: bool) -> Array:
    x = block(net, x, kernel=3)
    return block(net, x, kernel=3) if twice else x


def _larger(net: Network, x: Array, size: tuple[int, ...], up: str) -> Array:
    if up == "transposed":
        return fitted(transposed(net, x, kernel=net.draw.one((2, 3, 4))), size)
    return conv(net, resize(x, size, "nearest" if up == "nearest" else "linear"), kernel=1)


def pyramid(draw: Draw) -> Model:
    """Feature pyramids (Lin, 2017) or dilated branches side by side (Chen, 2017)."""
    net = Network(draw, largest=1_500_000)
    return net.model(_features if draw.flip() else _dilated, net.picture())


def _features(net: Network, x: Array) -> tuple[Array, ...]:
    """Levels downwards, each summed with the one above it, enlarged."""
    draw = net.draw
    net.habits(OLD, ("batch", "none"))
    levels = []
    for _ in range(draw.size(2, 4)):
        x = block(net, x, kernel=3, stride=2)
        levels.append(x)
    out = net.rounded(draw.size(8, 128), 4, 128)
    method = draw.one(("nearest", "linear"))
    joined = conv(net, levels.pop(), out, kernel=1)
    results = [joined]
    for level in reversed(levels):
        side = conv(net, level, out, kernel=1)
        joined = side + resize(joined, level.shape[1:-1], method)
        results.append(conv(net, joined, kernel=3))
    return tuple(results)


def _dilated(net: Network, x: Array) -> Array:
    """A backbone, dilated branches and a mean of everything, joined and enlarged."""
    draw = net.draw
    size = x.shape[1:-1]
    net.habits(OLD, ("batch", "none"))
    x = block(net, x, kernel=3, stride=2)
    low = block(net, x, kernel=1)
    x = block(net, x, kernel=3, stride=draw.one((1, 2)), dilation=1)
    rates = [draw.one((2, 3, 4, 6, 8, 12)) for _ in range(draw.size(1, 3))]
    sides = [block(net, x, kernel=1), *(block(net, x, dilation=rate) for rate in rates)]
    mean = block(net, everywhere(net, x, keep=True), channels(net, sides[0]), kernel=1)
    sides.append(jnp.broadcast_to(mean, (*x.shape[:-1], channels(net, mean))))
    x = block(net, jnp.concatenate(sides, axis=-1), kernel=1)
    if draw.flip():
        x = jnp.concatenate([resize(x, low.shape[1:-1], "linear"), low], axis=-1)
        x = block(net, x, kernel=3)
    classes = min(draw.size(1, 24), max(1, LARGEST // (x.shape[0] * math.prod(size))))
    scores = conv(net, x, classes, kernel=1)
    return resize(scores, size, draw.one(("linear", "linear", "nearest")))
