"""Normalisations, activations and the blocks that most families share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cosmalloc.cost_model.corpus.image_layers import (
    axis,
    channels,
    conv,
    dense,
    everywhere,
    per_channel,
    space,
)
from cosmalloc.cost_model.corpus.image_network import Network

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "none": lambda x: x,
    "relu": lambda x: jnp.maximum(x, 0),
    "relu6": lambda x: jnp.clip(x, 0, 6),
    "leaky": lambda x: jnp.where(x > 0, x, 0.1 * x),
    "elu": lambda x: jnp.where(x > 0, x, jnp.expm1(jnp.minimum(x, 0))),
    "silu": lambda x: x * lax.logistic(x),
    "hard_swish": lambda x: x * jnp.clip(x + 3, 0, 6) / 6,
    "gelu": lambda x: 0.5 * x * (1 + lax.erf(x * math.sqrt(0.5))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + jnp.tanh(0.79788456 * (x + 0.044715 * x * x * x))),
    "mish": lambda x: x * jnp.tanh(jnp.log1p(jnp.exp(x))),
    "tanh": jnp.tanh,
    "sigmoid": lax.logistic,
    "softplus": lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))),
}
OLD = ("relu", "relu", "relu", "leaky", "elu", "tanh")  # what networks before 2018 use
NEW = ("silu", "silu", "gelu", "gelu_tanh", "mish", "hard_swish", "relu")


def activate(net: Network, x: Array, name: str = "") -> Array:
    """The named activation, else the model's own; now and then any."""
    if not name:
        name = net.draw.one(tuple(ACTIVATIONS)) if net.draw.flip(0.06) else net.activation
    return ACTIVATIONS[name](x)


def norm(net: Network, x: Array, kind: str = "") -> Array:
    """batch: a scale and a shift, as at inference; layer, group, instance: means of x itself."""
    kind = kind or net.norm
    if kind == "none":
        return x
    if kind == "batch":
        return x * per_channel(net, x) + per_channel(net, x)
    if kind == "statistics":
        mean, variance = per_channel(net, x), per_channel(net, x)
        return (x - mean) * lax.rsqrt(variance + 1e-5) * per_channel(net, x) + per_channel(net, x)
    if kind == "layer":
        return _standard(x, (axis(net),)) * per_channel(net, x) + per_channel(net, x)
    over = tuple(range(2, x.ndim)) if net.first else tuple(range(1, x.ndim - 1))
    if kind == "instance":
        return _standard(x, over) * per_channel(net, x) + per_channel(net, x)
    if kind == "group":
        return _grouped(net, x) * per_channel(net, x) + per_channel(net, x)
    raise ValueError(f"no normalisation is named `{kind}`")


def _standard(x: Array, axes: tuple[int, ...]) -> Array:
    mean = jnp.mean(x, axes, keepdims=True)
    variance = jnp.mean(jnp.square(x - mean), axes, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5)


def _grouped(net: Network, x: Array) -> Array:
    inner = channels(net, x)
    groups = net.draw.one([g for g in (1, 2, 4, 8, 16, 32) if inner % g == 0])
    if net.first:
        split = x.reshape(x.shape[0], groups, inner // groups, *space(net, x))
        return _standard(split, tuple(range(2, split.ndim))).reshape(x.shape)
    split = x.reshape(*x.shape[:-1], groups, inner // groups)
    return _standard(split, (*range(1, x.ndim - 1), split.ndim - 1)).reshape(x.shape)


def block(net: Network, x: Array, out: int = 0, *, act: str = "", **options: Any) -> Array:
    """Convolution, normalisation, activation; the options are those of `conv`."""
    return activate(net, norm(net, conv(net, x, out, **options)), act)


def same_channels(net: Network, x: Array, like: Array) -> Array:
    """x, or a projection of it where its channels or sizes differ from those of `like`."""
    if x.shape == like.shape:
        return x
    steps = [-(-n // m) for n, m in zip(space(net, x), space(net, like), strict=True)]
    return norm(net, conv(net, x, channels(net, like), kernel=1, stride=steps))


def squeeze_excite(net: Network, x: Array) -> Array:
    """x weighed by channel: means, two matrix products, a gate."""
    inner = channels(net, x)
    squeezed = everywhere(net, x)
    hidden = dense(net, squeezed, max(4, inner // net.draw.one((4, 8, 16))))
    weights = dense(net, activate(net, hidden), inner)
    hard = net.draw.flip(0.4)
    gate = jnp.clip(weights + 3, 0, 6) / 6 if hard else lax.logistic(weights)
    if net.first:
        return x * gate.reshape(*gate.shape, *(1,) * len(space(net, x)))
    return x * gate.reshape(gate.shape[0], *(1,) * len(space(net, x)), inner)


def classify(net: Network, x: Array) -> Array:
    """Scores of classes: a pooled or flattened x through one or two matrix products."""
    flat = x.reshape(x.shape[0], -1)
    y = everywhere(net, x) if flat.shape[1] > 4096 or net.draw.flip(0.7) else flat
    if net.draw.flip(0.3):
        y = activate(net, dense(net, y, net.draw.channels(16, 1024)))
    y = dense(net, y, net.draw.size(2, 1000))
    return jax.nn.softmax(y) if net.draw.flip(0.4) else y
