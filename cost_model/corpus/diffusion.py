"""The network that takes noise off a picture, step by step; channels last."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_attention import attend, head_sizes
from cosmalloc.cost_model.corpus.image_blocks import activate, norm
from cosmalloc.cost_model.corpus.image_layers import conv, dense, resize
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network


def diffusion_unet(draw: Draw) -> Model:
    """Residual blocks told the time, attention at the bottom (Ho, 2020)."""
    net = Network(draw, most=4e8, largest=1_500_000)
    return net.model(_diffusion, net.picture(), net.shape(net.batch))


def _diffusion(net: Network, x: Array, time: Array) -> Array:
    draw = net.draw
    net.habits(("silu", "silu", "silu", "gelu", "mish"), ("group", "group", "layer"))
    out, told = x.shape[-1], _told(net, time)
    x = conv(net, x)
    kept = []
    for _ in range(draw.one((1, 1, 2))):
        x = _residual(net, x, told)
        kept.append(x)
        x = conv(net, x, stride=2)
    x = _residual(net, x, told)
    if x.shape[0] * math.prod(x.shape[1:-1]) ** 2 <= LARGEST and draw.flip(0.8):
        x = _attention(net, x)
    for skip in reversed(kept):
        x = conv(net, resize(x, skip.shape[1:-1], "nearest"), kernel=draw.one((1, 3)))
        x = _residual(net, jnp.concatenate([x, skip], axis=-1), told)
    return conv(net, activate(net, norm(net, x)), out)


def _told(net: Network, time: Array) -> Array:
    """Sines and cosines of the time through two matrix products: float[n, features]."""
    half = net.draw.size(8, 64)
    angles = time[:, None] * net.parameter(half)
    waves = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    wide = net.draw.channels(16, 512)
    return activate(net, dense(net, activate(net, dense(net, waves, wide)), wide))


def _residual(net: Network, x: Array, told: Array) -> Array:
    y = conv(net, activate(net, norm(net, x)))
    shift = dense(net, told, y.shape[-1])[:, None, None]
    if net.draw.flip(0.4):
        y = norm(net, y) * (1 + dense(net, told, y.shape[-1])[:, None, None]) + shift
    else:
        y = norm(net, y + shift)
    y = conv(net, activate(net, y), kernel=net.draw.one((1, 3)))
    return y + (x if x.shape == y.shape else conv(net, x, y.shape[-1], kernel=1))


def _attention(net: Network, x: Array) -> Array:
    """Every position reads every other: heads of h channels, softmax of scores."""
    n, rows, columns, inner = x.shape
    heads, wide = head_sizes(net, n, rows * columns, rows * columns)
    flat = norm(net, x).reshape(n, rows * columns, inner)
    return x + attend(net, flat, None, heads, wide).reshape(x.shape)
