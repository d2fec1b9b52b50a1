"""Networks that make pictures; channels last."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import NEW, OLD, activate, block, norm
from cosmalloc.cost_model.corpus.image_layers import conv, dense, resize, transposed
from cosmalloc.cost_model.corpus.image_network import LARGEST, Network


def super_resolution(draw: Draw) -> Model:
    """Convolutions on the small picture, then pixels shuffled out of channels (Shi, 2016)."""
    net = Network(draw)
    return net.model(_super_resolution, net.picture())


def _super_resolution(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits((*OLD, *NEW), ("none", "none", "batch"))
    small = x
    x = block(net, x, kernel=draw.one((3, 5, 9)))
    for _ in range(draw.size(1, 4)):
        y = block(net, x, kernel=3)
        x = x + draw.one((1.0, 0.1)) * conv(net, y, x.shape[-1]) if draw.flip() else y
    factor = draw.one((2, 2, 3, 4))
    out = small.shape[-1] if small.shape[-1] <= 4 else draw.one((1, 3, 3, 8))
    sharp = _shuffled(conv(net, x, out * factor**2), factor)
    if sharp.shape[-1] != small.shape[-1] or draw.flip():
        return jnp.tanh(sharp) if draw.flip(0.3) else sharp
    return sharp + resize(small, sharp.shape[1:-1], draw.one(("nearest", "linear")))


def _shuffled(x: Array, factor: int) -> Array:
    """float[n, h, w, f * f * c] to float[n, f * h, f * w, c]."""
    n, h, w, _ = x.shape
    split = x.reshape(n, h, w, factor, factor, -1)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * factor, w * factor, -1)


def generator(draw: Draw) -> Model:
    """From a vector upwards (Radford, 2016), or from a picture to a picture (Zhu, 2017)."""
    net = Network(draw)
    if draw.flip():
        return net.model(_from_vector, net.shape(net.batch, draw.channels(16, 256)))
    return net.model(_translate, net.picture())


def _from_vector(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu", "leaky", "elu"), ("batch", "instance", "none"))
    side, wide = draw.one((2, 3, 4, 4, 5, 7)), draw.channels(16, 256)
    x = dense(net, x, side * side * wide).reshape(x.shape[0], side, side, wide)
    for _ in range(draw.size(2, 5)):
        if 4 * net.batch * x.shape[1] * x.shape[2] * 16 > min(LARGEST, net.flops / 256):
            break
        x = activate(net, norm(net, doubled(net, x)))
    return jnp.tanh(conv(net, x, draw.one((1, 3)), kernel=draw.one((3, 5, 7))))


def doubled(net: Network, x: Array) -> Array:
    """x at twice its size."""
    if net.draw.flip(0.75):
        return transposed(net, x, kernel=net.draw.one((2, 3, 4, 4, 5)))
    larger = resize(x, [2 * n for n in x.shape[1:-1]], "nearest")
    return conv(net, larger, kernel=3)


def _translate(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(("relu", "leaky"), ("instance", "instance", "batch", "group"))
    x = block(net, x, kernel=draw.one((3, 7)))
    downs = draw.one((1, 2))
    for _ in range(downs):
        x = block(net, x, kernel=3, stride=2)
    for _ in range(draw.size(1, 2)):
        x = x + norm(net, conv(net, block(net, x), x.shape[-1]))
    for _ in range(downs):
        x = activate(net, norm(net, doubled(net, x)))
    return jnp.tanh(conv(net, x, draw.one((1, 3)), kernel=draw.one((3, 7))))


def autoencoder(draw: Draw) -> Model:
    """Encoder, a sample around the mean by given noise, decoder (Kingma, 2014)."""
    net = Network(draw)
    wide = draw.size(4, 128)
    return net.model(_autoencoder, net.picture(), net.shape(net.batch, wide))


def _autoencoder(net: Network, x: Array, noise: Array) -> tuple[Array, Array]:
    """The picture again, and the divergence of the code from a standard normal, per picture."""
    draw = net.draw
    net.habits((*OLD, *NEW), ("none", "batch", "group", "layer"))
    inner = x.shape[-1]
    for _ in range(draw.size(1, 3)):
        x = block(net, x, kernel=draw.one((3, 4, 5)), stride=2)
    flat, wide = x.reshape(x.shape[0], -1), noise.shape[-1]
    if flat.shape[-1] * wide > LARGEST:
        flat = jnp.mean(x, axis=(1, 2))
    mean, spread = dense(net, flat, wide), dense(net, flat, wide)
    code = mean + jnp.exp(0.5 * spread) * noise
    divergence = -0.5 * jnp.sum(1 + spread - mean * mean - jnp.exp(spread), axis=-1)
    side, out = draw.one((2, 4, 7)), draw.channels(8, 64)
    y = activate(net, dense(net, code, side * side * out)).reshape(-1, side, side, out)
    for _ in range(draw.size(1, 3)):
        y = activate(net, norm(net, doubled(net, y)))
    y = conv(net, y, inner)
    return jax.nn.sigmoid(y) if draw.flip(0.4) else y, divergence
