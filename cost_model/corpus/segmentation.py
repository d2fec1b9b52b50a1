"""Networks with a result for every point: down, up, and across; channels last."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array, lax

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import OLD, activate, block, same_channels
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


def voxel(draw: Draw) -> Model:
    """The same in volumes; stages residual or not, now and then gates on what is joined and
    results at every level (Cicek, 2016; Milletari, 2016; Oktay, 2018)."""
    net = Network(draw, most=5e8, largest=1_000_000)
    net.batch = draw.one((1, 1, 1, 2, 2, 4))
    return net.model(_voxel, net.picture(rank=3))


def _voxel(net: Network, x: Array) -> tuple[Array, ...]:
    draw = net.draw
    net.habits(OLD, ("batch", "batch", "none", "instance", "group"))
    kept: list[Array] = []
    added, gated, strided = draw.flip(0.4), draw.flip(0.25), draw.flip(0.3)
    up, classes = draw.one(("nearest", "linear", "transposed", "transposed")), draw.size(1, 20)
    deep = draw.flip(0.3)
    for _ in range(min(draw.size(1, 3), int(math.log2(max(min(x.shape[1:-1]), 2))))):
        x = _volume(net, x, added)
        kept.append(x)
        x = conv(net, x, kernel=2, stride=2) if strided else pool(net, x, draw.one(("max", "mean")))
    x = _volume(net, x, added)
    results: list[Array] = []
    for skip in reversed(kept):
        if deep:
            results.append(conv(net, x, classes, kernel=1))
        x = _larger(net, x, skip.shape[1:-1], up)
        skip = skip * _gate(net, skip, x) if gated else skip
        x = _volume(net, jnp.concatenate([skip, x], axis=-1), added)
    return *results, conv(net, x, classes, kernel=1)


def _volume(net: Network, x: Array, added: bool) -> Array:
    """One to three convolutions, whole or flat; `added`: to what came in."""
    draw, y = net.draw, x
    for _ in range(draw.one((1, 2, 2, 3))):
        y = block(net, y, kernel=draw.one((3, 3, 3, 1, (1, 3, 3), (3, 1, 1), 5)))
    return y + same_channels(net, x, y) if added else y


def _gate(net: Network, skip: Array, x: Array) -> Array:
    """Which places of the skipped features matter (Oktay, 2018)."""
    inner = max(4, channels(net, skip) // 2)
    joined = conv(net, skip, inner, kernel=1) + conv(net, x, inner, kernel=1)
    return lax.logistic(conv(net, activate(net, joined, "relu"), 1, kernel=1))


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
