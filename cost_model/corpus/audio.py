"""Networks on sounds and other series."""

from __future__ import annotations

from typing import Any

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
from cosmalloc.cost_model.corpus.image_layers import conv, dense, depthwise
from cosmalloc.cost_model.corpus.image_network import Network


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
        before = jnp.pad(x, [(0, 0), ((kernel - 1) * dilation, 0), (0, 0)]) if causal else x
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
