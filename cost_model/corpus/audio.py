"""Networks on sounds and other series."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import (
    NEW,
    OLD,
    activate,
    block,
    classify,
    same_channels,
)
from cosmalloc.cost_model.corpus.image_layers import conv, dense, depthwise, resize, wide
from cosmalloc.cost_model.corpus.image_network import Network
from cosmalloc.cost_model.corpus.sequence_layers import integers


def temporal(draw: Draw) -> Model:
    """Dilated convolutions over time, gated or residual (van den Oord, 2016; Bai, 2018)."""
    net = Network(draw, most=3e8, largest=1_000_000)
    return net.model(_temporal, net.picture(rank=1))


def _temporal(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits((*OLD, *NEW), ("none", "batch", "layer"))
    gated, causal, kernel = draw.flip(), draw.flip(), draw.one((2, 3, 3, 5, 7))
    x = block(net, x, kernel=1)
    total = None
    for level in range(draw.size(2, 5)):
        dilation = 2**level if draw.flip(0.8) else 1
        before = past(x, kernel, dilation) if causal else x
        y = _filtered(net, before, kernel, dilation, "VALID" if causal else "SAME", gated)
        if draw.flip(0.25):
            y = block(net, depthwise(net, y, 3), kernel=1)
        x = conv(net, y, kernel=1) if gated else y
        x = x + same_channels(net, before[:, -x.shape[1] :], x)
        side = jnp.mean(x, axis=-1, keepdims=True) if draw.flip(0.3) else None
        total = side if total is None else total if side is None else total + side
    if draw.flip(0.4):
        return classify(net, x)
    y = conv(net, activate(net, x), draw.size(1, 64), kernel=1)
    return y if total is None else y + total


def _filtered(
    net: Network, x: Array, kernel: int, dilation: int, padding: str, gated: bool
) -> Array:
    """A dilated convolution; gated: half of its channels through tanh, times half a gate."""
    options: dict[str, Any] = {"kernel": kernel, "dilation": dilation, "padding": padding}
    if not gated:
        return block(net, x, **options)
    y = conv(net, x, **options)
    half = y.shape[-1] // 2
    return y if half == 0 else jnp.tanh(y[..., :half]) * lax.logistic(y[..., half : 2 * half])


def wavenet(draw: Draw) -> Model:
    """Samples, their levels or features through gated filters of the past whose reach doubles; what
    every layer gives aside is summed; now and then told a speaker or a melody (van den Oord, 2016).
    """
    net = Network(draw, most=2e8, largest=1_000_000)
    length, batch = net.space(1)[0], net.batch
    sounds = (net.shape(batch, length, 1), integers(batch, length), net.picture(1, colours=False))
    told: tuple[tuple[jax.ShapeDtypeStruct, ...], ...] = (
        *((), ()),
        (integers(batch),),
        (net.shape(batch, -(-length // draw.one((1, 4, 16, 64))), draw.size(8, 80)),),
    )
    return net.model(_wavenet, draw.one(sounds), *draw.one(told))


def _wavenet(net: Network, x: Array, *told: Array) -> Array:
    draw = net.draw
    net.habits(("relu",), ("none",))
    net.bias, kernel, joined = draw.flip(0.7), draw.one((2, 2, 2, 3)), draw.flip(0.6)
    x = _entered(net, x, kernel)
    positions, width = math.prod(x.shape[:-1]), x.shape[-1]
    aside, cycle = wide(net, positions, width), draw.size(2, 6)
    parts: list[Array] = []
    side = [_side(net, one, x.shape[1]) for one in told]
    depth = draw.size(2, 7)
    for level in range(depth):
        y = _gate(net, x, kernel, 2 ** (level % cycle), joined, side)
        parts.append(conv(net, y, aside, kernel=1))
        x = x + conv(net, y, width, kernel=1) if level < depth - 1 else x
    y = block(net, activate(net, sum(parts[1:], parts[0]), "relu"), kernel=1, act="relu")
    levels = [n for n in (1, 2, 30, 64, 128, 256, 256) if n * positions <= net.largest]
    scores = conv(net, y, draw.one(levels or [1]), kernel=1)
    return jax.nn.softmax(scores) if scores.shape[-1] >= 64 and draw.flip() else scores


def _entered(net: Network, x: Array, kernel: int) -> Array:
    """Sound, levels 0 to 255 among them, as features."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        return conv(net, past(x, kernel, 1), kernel=kernel, padding="VALID")
    if x.size * 256 <= net.largest and net.draw.flip():
        return conv(net, jax.nn.one_hot(x, 256, dtype=net.draw.dtype), kernel=1)
    return net.parameter(256, wide(net, x.size, 64))[x]


def _side(net: Network, told: Array, length: int) -> Array:
    """A row for each speaker, or features at every place: float[n, 1 or length, features]."""
    if jnp.issubdtype(told.dtype, jnp.floating):
        return told if told.shape[1] == length else resize(told, (length,), "nearest")
    return net.parameter(net.draw.size(2, 128), net.draw.size(8, 64))[told][:, None]


def _gate(
    net: Network, x: Array, kernel: int, dilation: int, joined: bool, side: list[Array]
) -> Array:
    """tanh of one filter times the logistic of another; joined: both in one convolution."""
    before, width, parts = past(x, kernel, dilation), x.shape[-1], []
    for _ in range(2 - joined):
        out = width * (1 + joined)
        y = conv(net, before, out, kernel, dilation=dilation, padding="VALID")
        parts.append(sum((conv(net, one, out, kernel=1, bias=False) for one in side), y))
    value, gate = jnp.split(parts[0], 2, axis=-1) if joined else parts
    return jnp.tanh(value) * lax.logistic(gate)


def past(x: Array, kernel: int, dilation: int) -> Array:
    """As many zeros before x as a filter of the past needs to give as many places as x has."""
    return jnp.pad(x, [(0, 0), ((kernel - 1) * dilation, 0), (0, 0)])


def spectral(draw: Draw) -> Model:
    """Spectra of frames of sound, a mel filter bank, the logarithm, and convolutions."""
    net = Network(draw, least=1e6)
    window = draw.one((64, 100, 128, 256, 400, 512))
    frames = draw.size(8, 200)
    samples = net.shape(net.batch, window + (frames - 1) * (window // 2))

    def body(net: Network, x: Array) -> Array:
        return _spectral(net, x, window, frames)

    return net.model(body, samples)


def _spectral(net: Network, x: Array, window: int, frames: int) -> Array:
    draw = net.draw
    net.habits((*OLD, *NEW), ("none", "batch", "layer"))
    hop = window // 2
    if draw.flip(0.4):
        at = hop * jnp.arange(frames)[:, None] + jnp.arange(window)[None]
        framed = x[:, at] * net.parameter(window)
    else:
        cut = x[:, : frames * hop].reshape(x.shape[0], frames, hop)
        framed = jnp.concatenate([cut[:, :-1], cut[:, 1:]], axis=-1) * net.parameter(2 * hop)
    mel = dense(net, _power(net, framed), draw.size(16, 128), bias=False)
    x = jnp.log(jnp.maximum(mel, 1e-6))
    if draw.flip(0.4):
        for _ in range(draw.size(1, 3)):
            x = block(net, x, kernel=draw.one((3, 5, 9)), stride=draw.one((1, 2)))
        return classify(net, x)
    x = x[..., None]
    for _ in range(draw.size(1, 3)):
        x = block(net, x, kernel=draw.one((3, 3, 5, (3, 1), (1, 5))), stride=draw.one((1, 2)))
    return classify(net, x)


def _power(net: Network, framed: Array) -> Array:
    """Squared magnitudes of the frequencies, by an FFT or by two matrix products."""
    if net.draw.flip(0.6):
        spectrum = jnp.fft.rfft(framed.astype(jnp.float32))
        power = jnp.square(jnp.real(spectrum)) + jnp.square(jnp.imag(spectrum))
        return power.astype(framed.dtype)
    bins = framed.shape[-1] // 2 + 1
    cosines, sines = (dense(net, framed, bins, bias=False) for _ in range(2))
    return cosines * cosines + sines * sines
