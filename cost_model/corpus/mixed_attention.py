"""Transformers over feature maps of several resolutions; channels last."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_attention import attend, head_sizes
from cosmalloc.cost_model.corpus.image_blocks import activate, norm
from cosmalloc.cost_model.corpus.image_layers import (
    channels,
    conv,
    dense,
    depthwise,
    everywhere,
    resize,
    space,
    wide,
)
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network


def segformer(draw: Draw) -> Model:
    """Attention to fewer keys, filters inside the perceptrons, a decoder of products (Xie,
    2021)."""
    net = Network(draw, most=4e8, largest=1_000_000)
    return net.model(_segformer, net.picture())


def _segformer(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("gelu", "gelu", "gelu_tanh", "relu", "silu"), ("layer", "layer", "batch", "group"))
    levels = []
    for level in range(draw.size(1, 4)):
        kernel, stride = draw.one(((7, 4), (7, 2), (4, 4), (3, 1))) if level == 0 else (3, 2)
        x = norm(net, conv(net, x, kernel=kernel, stride=stride))
        for _ in range(draw.one((1, 1, 2))):
            x = _attended(net, x)
            x = x + _filtered(net, norm(net, x))
        levels.append(norm(net, x))
    if draw.flip(0.2):
        return dense(net, everywhere(net, levels[-1]), draw.size(2, 1000))
    return _decoded(net, levels)


def _attended(net: Network, x: Array) -> Array:
    """x plus what its places read in a coarser copy: by a convolution or a mean of squares."""
    draw = net.draw
    n, inner, places = x.shape[0], channels(net, x), math.prod(space(net, x))
    y = norm(net, x)
    ratios = [r for r in (1, 2, 4, 8) if min(space(net, x)) >= r]
    ratio = draw.one(ratios)
    while n * places * places > LARGEST * ratio**2 and ratio < min(space(net, x)):
        ratio *= 2
    memory = y
    if ratio > 1:
        if draw.flip(0.8):
            memory = conv(net, y, inner, kernel=ratio, stride=ratio)
        else:
            memory = resize(y, [max(1, size // ratio) for size in space(net, y)], "linear")
        memory = norm(net, memory)
    keys = math.prod(space(net, memory))
    if n * places * keys > LARGEST:
        return x
    heads, each = head_sizes(net, n, places, keys)
    flat, read = y.reshape(n, places, inner), memory.reshape(n, keys, inner)
    return x + attend(net, flat, read if ratio > 1 else None, heads, each).reshape(x.shape)


def _filtered(net: Network, x: Array) -> Array:
    """A product, a filter of each channel, an activation, a product back."""
    places = x.shape[0] * math.prod(space(net, x))
    hidden = dense(net, x, wide(net, places, channels(net, x)))
    if net.draw.flip(0.9):
        filtered = depthwise(net, hidden, net.draw.one((3, 3, 3, 5)))
        hidden = hidden + filtered if net.draw.flip(0.2) else filtered
    return dense(net, activate(net, hidden), channels(net, x))


def _decoded(net: Network, levels: list[Array]) -> Array:
    """All levels at one width and the first one's size, joined: scores of classes by place."""
    draw, size = net.draw, space(net, levels[0])
    places = levels[0].shape[0] * math.prod(size)
    width = net.rounded(draw.size(8, 256), 4, max(4, LARGEST // (places * len(levels))))
    method = draw.one(("linear", "linear", "nearest"))
    same = [dense(net, level, width) for level in levels]
    same = [level if space(net, level) == size else resize(level, size, method) for level in same]
    if draw.flip(0.7):
        joined = dense(net, jnp.concatenate(same[::-1], axis=-1), width, bias=net.bias)
    else:
        joined = sum(same[1:], same[0])
    classes = min(draw.size(1, 150), max(1, LARGEST // places))
    scores = dense(net, activate(net, norm(net, joined)), classes)
    if scores.size * 4 <= LARGEST and draw.flip(0.3):
        scores = resize(scores, [2 * side for side in size], "linear")
    return jax.nn.softmax(scores) if draw.flip(0.2) else scores
