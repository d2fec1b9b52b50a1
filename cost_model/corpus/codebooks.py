"""Autoencoders whose code is a row of a book for every place; channels last."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array, lax

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.generative import doubled
from cosmalloc.cost_model.corpus.image_blocks import NEW, OLD, activate, block, norm
from cosmalloc.cost_model.corpus.image_layers import channels, conv
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network


def vq_vae(draw: Draw) -> Model:
    """Encoder, the nearest row of a book or of several in turn, decoder (van den Oord, 2017;
    Zeghidour, 2021)."""
    net = Network(draw, largest=1_500_000)
    return net.model(_vq_vae, net.picture())


def _vq_vae(net: Network, x: Array) -> tuple[Array, ...]:
    """The picture again, the loss of the code, and what else is asked of the books."""
    draw = net.draw
    net.habits((*OLD, *NEW), ("none", "none", "batch", "group"))
    inner, halves = channels(net, x), draw.one((1, 2, 2, 3))
    for _ in range(halves):
        x = block(net, x, kernel=draw.one((3, 4, 4, 5)), stride=2)
    depth = draw.one((0, 1, 1, 2))
    for _ in range(depth):
        x = _residual(net, x)
    z = conv(net, x, draw.one((2, 4, 8, 16, 32, 64, 64)), kernel=draw.one((1, 1, 3)))
    found, extra = _coded(net, z)
    loss = jnp.mean(jnp.square(found - lax.stop_gradient(z)))
    loss = loss + draw.one((0.1, 0.25, 1.0)) * jnp.mean(jnp.square(z - lax.stop_gradient(found)))
    y = conv(net, z + lax.stop_gradient(found - z) if draw.flip() else found)
    for _ in range(depth):
        y = _residual(net, y)
    for _ in range(halves - 1):
        y = activate(net, norm(net, doubled(net, y)))
    y = conv(net, doubled(net, y), inner, kernel=draw.one((1, 3)))
    return jnp.tanh(y) if draw.flip(0.3) else y, loss, *extra


def _residual(net: Network, x: Array) -> Array:
    hidden = block(net, activate(net, x), kernel=3)
    return x + conv(net, hidden, channels(net, x), kernel=net.draw.one((1, 1, 3)))


def _coded(net: Network, z: Array) -> tuple[Array, tuple[Array, ...]]:
    """The sum of the rows found, each book's for what is left, and now and then their numbers
    or how evenly the last book is used (the perplexity)."""
    draw, width = net.draw, z.shape[-1]
    places = math.prod(z.shape[:-1])
    most = min(LARGEST // places, net.flops / (2 * places * width), LARGEST // width)
    entries = draw.size(8, int(min(max(most, 16), 4096)), draw.one((1, 8, 8)))
    left, total = z.reshape(places, width), jnp.zeros((places, width), z.dtype)
    numbers = []
    how, by = draw.one(("square", "square", "short", "cosine")), draw.one(("rows", "take", "one"))
    for _ in range(draw.one((1, 1, 1, 2, 3))):
        book = net.parameter(entries, width)
        at = _nearest(left, book, how)
        row = _rows(book, at, by)
        numbers.append(at)
        left, total = left - row, total + row
    extra: tuple[Array, ...] = ()
    if draw.flip(0.4):
        extra = (jnp.stack(numbers, axis=-1).reshape(*z.shape[:-1], -1),)
    elif draw.flip():
        used = jnp.mean(jax.nn.one_hot(numbers[-1], entries, dtype=z.dtype), axis=0)
        extra = (jnp.exp(-jnp.sum(used * jnp.log(used + 1e-7))),)
    return total.reshape(z.shape), extra


def _nearest(x: Array, book: Array, how: str) -> Array:
    """int[places]: `square`: |x|^2 - 2 x.e + |e|^2; `short`: without |x|^2; `cosine`: the angle."""
    if how == "cosine":
        unit = [v * lax.rsqrt(jnp.sum(v * v, axis=-1, keepdims=True) + 1e-6) for v in (x, book)]
        return jnp.argmax(unit[0] @ unit[1].T, axis=-1)
    far = jnp.sum(book * book, axis=-1) - 2 * (x @ book.T)
    if how == "square":
        far = jnp.sum(x * x, axis=-1, keepdims=True) + far
    return jnp.argmin(far, axis=-1)


def _rows(book: Array, at: Array, by: str) -> Array:
    if by == "one":
        return jax.nn.one_hot(at, book.shape[0], dtype=book.dtype) @ book
    return jnp.take(book, at, axis=0) if by == "take" else book[at]
