"""Where every pixel of one picture went in another; channels last."""

from __future__ import annotations

import math
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, lax

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import OLD, activate, block
from cosmalloc.cost_model.corpus.image_layers import Sizes, conv, pool, resize
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network

State: TypeAlias = "tuple[Array, Array]"  # flow float[n, h, w, 2], hidden float[n, h, w, c]


def optical_flow(draw: Draw) -> Model:
    """Features of both, how all pairs agree or what is near, updates by a gated unit (Teed, 2020;
    Sun, 2018)."""
    net = Network(draw, most=3e8, largest=600_000)
    net.batch = draw.one((1, 1, 1, 2, 2, 4))
    picture = net.picture()
    return net.model(_optical_flow, picture, picture)


def _optical_flow(net: Network, first: Array, second: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("none", "batch", "instance", "group"))
    n, rows, columns, _ = first.shape
    x = jnp.concatenate([first, second], axis=0)
    for _ in range(draw.one((1, 2, 2, 3))):
        x = block(net, x, kernel=draw.one((3, 3, 5, 7)), stride=draw.one((1, 2, 2)))
    while math.prod(x.shape[1:-1]) * 4 > 9_000 or n * math.prod(x.shape[1:-1]) ** 2 > LARGEST // 2:
        x = block(net, x, kernel=3, stride=2)
    one, other = conv(net, x, kernel=draw.one((1, 3)))[:n], x[n:]
    other = conv(net, other, one.shape[-1], kernel=1)
    reach, pairs, gated = draw.one((1, 2, 3, 4)), draw.flip(0.7), draw.flip(0.75)
    while n * math.prod(one.shape[1:-1]) * (2 * reach + 1) ** 2 > LARGEST // 2 and reach > 1:
        reach -= 1
    volumes = _volumes(net, one, other) if pairs else []
    hidden = jnp.tanh(conv(net, one, draw.channels(8, 96), kernel=draw.one((1, 3))))
    start = jnp.zeros((*one.shape[:-1], 2), one.dtype)

    def update(state: State) -> State:
        flow, hidden = state
        near = _looked_up(volumes, flow, reach) if pairs else _nearby(one, other, flow, reach)
        seen = block(net, jnp.concatenate([near, flow], axis=-1), kernel=draw.one((1, 3)))
        seen = jnp.concatenate([seen, flow], axis=-1)
        hidden = _unit(net, hidden, seen) if gated else _plain(net, hidden, seen)
        step = conv(net, activate(net, conv(net, hidden, kernel=3)), 2, kernel=3)
        return flow + step, hidden

    end: State = net.repeated(update, (start, hidden), draw.one((1, 2, 3)))
    flow, hidden = end
    factor = rows // one.shape[1]
    if factor == 1:
        return flow
    if draw.flip() and flow.size * 9 * factor**2 <= LARGEST:
        return _enlarged(net, flow, hidden, factor)
    return resize(flow * factor, (rows, columns), "linear")


def _volumes(net: Network, one: Array, other: Array) -> list[Array]:
    """How every place of one agrees with every place of the other, the latter in several sizes:
    float[n * h * w, i, j, 1] each."""
    n, rows, columns, inner = one.shape
    agree = jnp.einsum("nhwc,nijc->nhwij", one, other) / math.sqrt(inner)
    levels = [agree.reshape(n * rows * columns, *other.shape[1:-1], 1)]
    for _ in range(net.draw.one((0, 1, 1, 2))):
        levels.append(pool(net, levels[-1], "mean"))
    return levels


def _looked_up(volumes: list[Array], flow: Array, reach: int) -> Array:
    """float[n, h, w, levels * (2 reach + 1)^2]: the agreement around where the flow points."""
    n, rows, columns, _ = flow.shape
    middle = (_grid(rows, columns, flow) + flow).reshape(-1, 1, 2)
    around = (_grid(2 * reach + 1, 2 * reach + 1, flow) - reach).reshape(1, -1, 2)
    found = [
        _sampled(volume, middle / 2**level + around)[..., 0] for level, volume in enumerate(volumes)
    ]
    return jnp.concatenate(found, axis=-1).reshape(n, rows, columns, -1)


def _nearby(one: Array, other: Array, flow: Array, reach: int) -> Array:
    """float[n, h, w, (2 reach + 1)^2]: agreement with the other, moved back by the flow, and with
    its neighbours."""
    n, rows, columns, _ = one.shape
    points = (_grid(rows, columns, flow) + flow).reshape(n, -1, 2)
    moved = _sampled(other, points).reshape(one.shape)
    padded = jnp.pad(moved, [(0, 0), (reach, reach), (reach, reach), (0, 0)])
    shifts = [(i, j) for i in range(2 * reach + 1) for j in range(2 * reach + 1)]
    agree = [(one * padded[:, i : i + rows, j : j + columns]).mean(-1) for i, j in shifts]
    return jnp.stack(agree, axis=-1)


def _grid(rows: int, columns: int, like: Array) -> Array:
    """float[rows, columns, 2]: the place of each point."""
    places = jnp.meshgrid(jnp.arange(rows), jnp.arange(columns), indexing="ij")
    return jnp.stack(places, axis=-1).astype(like.dtype)


def _sampled(x: Array, points: Array) -> Array:
    """Rows of x, float[n, h, w, c], between its points, float[n, k, 2]: float[n, k, c]."""
    n, rows, columns, inner = x.shape
    flat, low = x.reshape(n, rows * columns, inner), jnp.floor(points)
    part = points - low
    total = jnp.zeros((*points.shape[:-1], inner), x.dtype)
    for down in (0, 1):
        for right in (0, 1):
            i, j = low[..., 0] + down, low[..., 1] + right
            inside = (i >= 0) & (i < rows) & (j >= 0) & (j < columns)
            at = jnp.clip(i, 0, rows - 1) * columns + jnp.clip(j, 0, columns - 1)
            share = jnp.abs(1 - down - part[..., 0]) * jnp.abs(1 - right - part[..., 1])
            share = jnp.where(inside, share, 0)[..., None]
            at = at.astype("int32")[..., None]
            total = total + share * jnp.take_along_axis(flat, at, axis=1)
    return total


def _unit(net: Network, hidden: Array, x: Array) -> Array:
    """A gated recurrent unit of convolutions, square or first along rows and then columns."""
    wide = hidden.shape[-1]
    kernels: tuple[Sizes, ...] = net.draw.one(((3,), (3,), ((1, 5), (5, 1))))
    for kernel in kernels:
        both = jnp.concatenate([hidden, x], axis=-1)
        keep, reset = (lax.logistic(conv(net, both, wide, kernel=kernel)) for _ in range(2))
        both = jnp.concatenate([reset * hidden, x], axis=-1)
        hidden = (1 - keep) * hidden + keep * jnp.tanh(conv(net, both, wide, kernel=kernel))
    return hidden


def _plain(net: Network, hidden: Array, x: Array) -> Array:
    y = block(net, jnp.concatenate([hidden, x], axis=-1), kernel=3)
    return activate(net, hidden + conv(net, y, hidden.shape[-1], kernel=3))


def _enlarged(net: Network, flow: Array, hidden: Array, factor: int) -> Array:
    """Every fine pixel is a mean of nine coarse ones, weighed by what `hidden` says."""
    n, rows, columns, _ = flow.shape
    weights = conv(net, hidden, 9 * factor**2, kernel=1).reshape(n, rows, columns, factor**2, 9)
    padded = jnp.pad(factor * flow, [(0, 0), (1, 1), (1, 1), (0, 0)])
    near = [padded[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    fine = jnp.einsum("nhwfk,nhwkc->nhwfc", jax.nn.softmax(weights), jnp.stack(near, axis=3))
    fine = fine.reshape(n, rows, columns, factor, factor, 2).transpose(0, 1, 3, 2, 4, 5)
    return fine.reshape(n, rows * factor, columns * factor, 2)
