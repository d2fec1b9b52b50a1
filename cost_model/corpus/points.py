"""Networks on clouds of points."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import OLD, activate, classify, norm
from cosmalloc.cost_model.corpus.image_layers import dense
from cosmalloc.cost_model.corpus.image_network import Network


def point_net(draw: Draw) -> Model:
    """The same layers for every point, then the largest of each feature (Qi, 2017)."""
    net = Network(draw)
    features = draw.one((2, 3, 3, 3, 4, 6, 9, 32, 64))
    most = max(int(net.flops / (net.batch * 2 * 16 * max(features, 16))), 16)
    return net.model(_points, net.shape(net.batch, draw.size(8, min(most, 8192)), features))


def _points(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("batch", "batch", "none", "layer"))
    if draw.flip(0.3):
        x = _turned(net, x)
    for _ in range(draw.size(1, 3)):
        x = _shared(net, x)
    if draw.flip(0.3):
        x = _turned(net, x)
    if draw.flip(0.3) and x.shape[1] <= 256:
        x = _neighbours(net, x)
    largest = jnp.max(_shared(net, x), axis=1)
    if draw.flip(0.6):
        return classify(net, largest[:, None, :])
    everyone = jnp.broadcast_to(largest[:, None], (*x.shape[:2], largest.shape[-1]))
    return dense(net, _shared(net, jnp.concatenate([x, everyone], axis=-1)), draw.size(1, 50))


def _shared(net: Network, x: Array) -> Array:
    return activate(net, norm(net, dense(net, x)))


def _turned(net: Network, x: Array) -> Array:
    """The cloud times a matrix that a small network reads off the cloud itself."""
    inner = min(x.shape[-1], 32)
    x = x if inner == x.shape[-1] else dense(net, x, inner)
    whole = jnp.max(_shared(net, x), axis=1)
    matrix = dense(net, whole, inner * inner).reshape(-1, inner, inner)
    return jnp.einsum("npi,nij->npj", x, matrix + jnp.eye(inner, dtype=x.dtype))


def _neighbours(net: Network, x: Array) -> Array:
    """Features and a mean of others, weighed by how near they are."""
    squares = jnp.sum(x * x, axis=-1)
    far = squares[:, :, None] + squares[:, None] - 2 * jnp.einsum("npc,nqc->npq", x, x)
    near = jnp.exp(-jnp.maximum(far, 0))
    near = near / (jnp.sum(near, axis=-1, keepdims=True) + 1e-3)
    return _shared(net, jnp.concatenate([x, jnp.einsum("npq,nqc->npc", near, x)], axis=-1))
