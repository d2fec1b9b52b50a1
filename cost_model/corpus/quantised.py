"""Quantised perceptrons and transformers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, blocks, draw_sizes
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.quantised_layers import (
    bytes_of,
    dense,
    dequantised,
    rounded,
)
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    activation,
    chain,
    floats,
    norm,
    pointwise,
)
from cosmalloc.cost_model.corpus.tabular import rows_and_width


def quantised_mlp(draw: Draw) -> Model:
    """Two to six layers of int8, all widths different, an activation in floats now and then."""
    flops = budget(draw)
    rows, width = rows_and_width(draw, flops)
    first, inputs, layers = draw.flip(), width, []
    for _ in range(draw.one(range(2, 7))):
        outputs = fit(
            flops,
            lambda: draw.size(16, 2048, draw.one((1, 8, 16, 32))),
            lambda n, inputs=inputs: (2 * rows * inputs * n, max(rows * n, inputs * n)),  # type: ignore[misc]
        )
        layers.append(dense(draw, inputs, outputs))
        if draw.flip(0.3):
            layers.append(_in_floats(draw))
        inputs = outputs
    body = chain(*layers, pointwise(dequantised(draw)))

    def apply(params: Any, x: Array) -> Any:
        return body.apply(params, rounded(x * 40) if first else x)

    return apply, (body.shapes, floats(draw, rows, width) if first else bytes_of(rows, width))


def _in_floats(draw: Draw) -> Layer:
    """An activation of the dequantised numbers."""
    act, wide, scale = activation(draw), dequantised(draw), draw.one((30.0, 64.0))
    return pointwise(lambda x: rounded(act(wide(x)) * scale))


def quantised_transformer(draw: Draw) -> Model:
    """Products in int8; softmax, norms and sums of residuals in floats."""
    flops = budget(draw)
    first = draw_sizes(draw, flops)
    made = blocks(draw, flops, first, lambda sizes: _block(draw, sizes))
    joints, width = [], first.width
    for own, _ in made:
        joints.append(_projection(draw, width, own) if own != width else Layer((), _same))
        width = own
    layers = [
        part for joint, (_, block) in zip(joints, made, strict=True) for part in (joint, block)
    ]
    body = chain(*layers)
    return body.apply, (body.shapes, floats(draw, first.batch, first.length, first.width))


def _same(params: Any, x: Array) -> Array:
    return x


def _projection(draw: Draw, inputs: int, outputs: int) -> Layer:
    """Floats to floats through int8."""
    layer, wide = dense(draw, inputs, outputs, clipped=False), dequantised(draw)

    def apply(params: Any, x: Array) -> Any:
        return wide(layer.apply(params, rounded(x * 50)))

    return Layer(layer.shapes, apply)


def _block(draw: Draw, sizes: Sizes) -> Layer:
    parts = (_attention(draw, sizes), _feed_forward(draw, sizes))
    norms, before, wide = [norm(draw, sizes.width) for _ in parts], draw.flip(), dequantised(draw)
    scale = draw.one((20.0, 64.0))

    def apply(params: Any, x: Array) -> Any:
        for part, normed, (own, scales) in zip(parts, norms, params, strict=True):
            inner = normed.apply(scales, x) if before else x
            x = x + wide(part.apply(own, rounded(inner * scale)))
            x = x if before else normed.apply(scales, x)
        return x

    pairs = zip(parts, norms, strict=True)
    return Layer([(part.shapes, normed.shapes) for part, normed in pairs], apply)


def _feed_forward(draw: Draw, sizes: Sizes) -> Layer:
    up, down = dense(draw, sizes.width, sizes.hidden), dense(draw, sizes.hidden, sizes.width, False)
    return chain(up, _in_floats(draw), down) if draw.flip(0.7) else chain(up, down)


def _attention(draw: Draw, sizes: Sizes) -> Layer:
    heads, head, inner = sizes.heads, sizes.head, sizes.heads * sizes.head
    joined, masked, heads_first = draw.flip(), draw.flip(), draw.flip()
    widths = [3 * inner] if joined else [inner] * 3
    into = [dense(draw, sizes.width, n, clipped=False) for n in widths]
    out, wide = dense(draw, inner, sizes.width, clipped=False), dequantised(draw)
    scale = draw.one((0.004, 0.0125))

    def apply(params: Any, x: Array) -> Any:
        made = [layer.apply(own, x) for layer, own in zip(into, params[0], strict=True)]
        parts = jnp.split(made[0], 3, axis=-1) if joined else made
        q, k, v = (part.reshape(*part.shape[:2], heads, head) for part in parts)
        order = "bhqd,bhkd->bhqk" if heads_first else "bqhd,bkhd->bhqk"
        if heads_first:
            q, k, v = (part.transpose(0, 2, 1, 3) for part in (q, k, v))
        scores = wide(jnp.einsum(order, q, k, preferred_element_type=jnp.int32))
        if masked:
            scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
        weights = rounded(jax.nn.softmax(scores, axis=-1) * 127)
        order = "bhqk,bhkd->bqhd" if heads_first else "bhqk,bkhd->bqhd"
        y = jnp.einsum(order, weights, v, preferred_element_type=jnp.int32)
        y = rounded(y.reshape(*y.shape[:2], inner).astype(draw.dtype) * scale)
        return out.apply(params[1], y)

    return Layer(([layer.shapes for layer in into], out.shapes), apply)
