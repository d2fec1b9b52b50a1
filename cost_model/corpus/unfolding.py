"""Attention among the places of feature maps that lie alike in their patches; channels last."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, transformer_block
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import block, classify, norm
from cosmalloc.cost_model.corpus.image_layers import channels, conv, resize, space, wide
from cosmalloc.cost_model.corpus.image_network import Network
from cosmalloc.cost_model.corpus.mobile import inverted
from cosmalloc.cost_model.corpus.sequence_layers import Layer


def mobilevit(draw: Draw) -> Model:
    """Inverted bottlenecks, and transformers between two convolutions and a joint (Mehta, 2022)."""
    net = Network(draw, most=1e8, largest=1_000_000)
    return net.model(_mobilevit, net.picture())


def _mobilevit(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("silu", "silu", "silu", "relu6", "hard_swish"), ("batch", "batch", "none"))
    x = block(net, x, kernel=3, stride=draw.one((1, 2)))
    for _ in range(draw.one((1, 1, 2))):
        x = inverted(net, x, False)
    for _ in range(draw.one((1, 1, 2))):
        x = inverted(net, x, False) if draw.flip() else x
        x = _global(net, x, draw.one((1, 2, 2, 2, 4)))
    return classify(net, block(net, x, kernel=1))


def _global(net: Network, x: Array, patch: int) -> Array:
    """A look around, attention between patches, and both what came and what it gave, joined.

    A place attends to those that have its place in the other patches (squares with sides of `patch`
    places; 1: to all). A map that does not fall into patches is resized, one too large is halved.
    """
    draw, inner = net.draw, channels(net, x)
    while _scores(x.shape, patch) > net.largest:
        x = block(net, x, inner, kernel=3, stride=2)
    size = space(net, x)
    whole = [-(-n // patch) * patch for n in size]
    y = conv(net, block(net, x, inner, kernel=draw.one((3, 3, 1))), kernel=1, bias=False)
    y = y if list(size) == whole else resize(y, whole, "linear")
    n, rows, columns, _ = y.shape
    y = _unfolded(y, patch)
    for _ in range(draw.one((1, 1, 2))):
        y = _run(net, _attending(net, y), y)
    y = _folded(norm(net, y, "layer"), n, rows, columns, patch)
    y = y if list(size) == whole else resize(y, size, "linear")
    y = block(net, y, inner, kernel=1)
    y = jnp.concatenate([x, y], axis=-1) if draw.flip(0.8) else x + y
    return block(net, y, inner, kernel=draw.one((3, 3, 1)))


def _scores(shape: tuple[int, ...], patch: int) -> int:
    """Elements of the scores of a head."""
    patches = math.prod(-(-n // patch) for n in shape[1:-1])
    return shape[0] * patch**2 * patches**2


def _unfolded(x: Array, patch: int) -> Array:
    """(n, rows, columns, c) -> (n * patch * patch, patches, c), a place of the patches each."""
    n, rows, columns, inner = x.shape
    x = x.reshape(n, rows // patch, patch, columns // patch, patch, inner)
    return x.transpose(0, 2, 4, 1, 3, 5).reshape(n * patch**2, -1, inner)


def _folded(x: Array, n: int, rows: int, columns: int, patch: int) -> Array:
    """What `_unfolded` undoes."""
    x = x.reshape(n, patch, patch, rows // patch, columns // patch, x.shape[-1])
    return x.transpose(0, 3, 1, 4, 2, 5).reshape(n, rows, columns, x.shape[-1])


def _attending(net: Network, x: Array) -> Layer:
    draw, (rows, patches, width) = net.draw, x.shape
    most = max(1, net.largest // (rows * patches**2))
    heads = draw.one([n for n in (1, 2, 4, 4, 8) if width % n == 0 and n <= most])
    hidden = min(width * draw.one((1, 2, 2, 3, 4)), wide(net, rows * patches, width) * 2)
    sizes = Sizes(rows, patches, patches, width, hidden, heads, heads, width // heads)
    return transformer_block(draw, sizes, gated=False)


def _run(net: Network, layer: Layer, x: Array) -> Any:
    """The layer with parameters of the network."""
    own = jax.tree.map(lambda leaf: net.parameter(*leaf.shape), layer.shapes)
    return layer.apply(own, x)
