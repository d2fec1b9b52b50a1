"""Layers that the families share: the shapes of their parameters and what they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from cosmalloc.cost_model.corpus.draw import Draw

Function: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True)
class Layer:
    """A part of a model whose structure and sizes are drawn already.

    shapes: a pytree of `ShapeDtypeStruct`s, the layer's parameters.
    apply: (arrays in the same tree, inputs...) -> output.
    """

    shapes: Any
    apply: Callable[..., Any]


def floats(draw: Draw, *shape: int) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(shape, draw.dtype)  # type: ignore[no-untyped-call]


def integers(*shape: int) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(shape, "int32")  # type: ignore[no-untyped-call]


def activation(draw: Draw) -> Function:
    """gelu by tanh or by erf, relu, silu; now and then a rarer one."""
    if draw.flip(0.15):
        rare: tuple[Function, ...] = (
            jnp.tanh,
            jax.nn.sigmoid,
            jax.nn.softplus,
            jax.nn.elu,
            lambda x: jnp.square(jax.nn.relu(x)),
            lambda x: jnp.where(x > 0, x, 0.01 * x),
        )
        return draw.one(rare)
    usual: tuple[Function, ...] = (
        partial(jax.nn.gelu, approximate=True),
        partial(jax.nn.gelu, approximate=False),
        jax.nn.relu,
        jax.nn.silu,
    )
    return draw.one(usual)


def softmax(draw: Draw) -> Function:
    """Over the last axis, in the model's own dtype or in float32."""
    wide = draw.flip()

    def apply(x: Array) -> Any:
        return jax.nn.softmax(x.astype("float32") if wide else x, axis=-1).astype(x.dtype)

    return apply


def chain(*layers: Layer) -> Layer:
    """One layer after the other."""

    def apply(params: Sequence[Any], x: Array) -> Any:
        for layer, own in zip(layers, params, strict=True):
            x = layer.apply(own, x)
        return x

    return Layer([layer.shapes for layer in layers], apply)


def pointwise(function: Function) -> Layer:
    return Layer((), lambda params, x: function(x))


def dense(draw: Draw, inputs: int, outputs: int, bias: bool | None = None) -> Layer:
    """`x @ w + b` over the last axis; now and then the weights lie transposed."""
    transposed = draw.flip(0.2)
    shapes = {"w": floats(draw, outputs, inputs) if transposed else floats(draw, inputs, outputs)}
    if draw.flip() if bias is None else bias:
        shapes["b"] = floats(draw, outputs)

    def apply(params: Any, x: Array) -> Any:
        y = x @ (params["w"].T if transposed else params["w"])
        return y + params["b"] if "b" in params else y

    return Layer(shapes, apply)


def norm(draw: Draw, width: int, kind: str | None = None) -> Layer:
    """Over the last axis. kind: `layer`, `rms` or `none`; drawn by default."""
    kind = kind or draw.one(("layer", "layer", "rms", "none"))
    if kind == "none":
        return Layer((), lambda params, x: x)
    wide, shift = draw.flip(), kind == "layer" and draw.flip(0.7)
    epsilon = draw.one((1e-6, 1e-5))
    shapes = {"scale": floats(draw, width)} | ({"shift": floats(draw, width)} if shift else {})

    def apply(params: Any, x: Array) -> Any:
        y = x.astype("float32") if wide else x
        if kind == "layer":
            y = y - y.mean(-1, keepdims=True)
        y = y * jax.lax.rsqrt(jnp.square(y).mean(-1, keepdims=True) + epsilon)
        y = y.astype(x.dtype) * params["scale"]
        return y + params["shift"] if shift else y

    return Layer(shapes, apply)


def feed_forward(draw: Draw, width: int, hidden: int, gated: bool | None = None) -> Layer:
    """Up, an activation or a gate, down."""
    act = activation(draw)
    down = dense(draw, hidden, width)
    if not (draw.flip(0.25) if gated is None else gated):
        return chain(dense(draw, width, hidden), pointwise(act), down)
    joined = draw.flip()  # both factors from one product
    up = [dense(draw, width, 2 * hidden if joined else hidden) for _ in range(2 - joined)]

    def apply(params: Any, x: Array) -> Any:
        made = [layer.apply(own, x) for layer, own in zip(up, params["up"], strict=True)]
        gate, value = jnp.split(made[0], 2, axis=-1) if joined else made
        return down.apply(params["down"], act(gate) * value)

    return Layer({"up": [layer.shapes for layer in up], "down": down.shapes}, apply)


def residual(draw: Draw, width: int, layer: Layer, kind: str | None = None) -> Layer:
    """`x + layer(norm(x))` or `norm(x + layer(x))`; more inputs go to the layer."""
    before, scaled = draw.flip(0.7), draw.flip(0.15)
    normed = norm(draw, width, kind)
    shapes = {"norm": normed.shapes, "layer": layer.shapes}
    if scaled:
        shapes["gain"] = floats(draw, width)

    def apply(params: Any, x: Array, *more: Any) -> Any:
        inner = normed.apply(params["norm"], x) if before else x
        y = layer.apply(params["layer"], inner, *more)
        y = x + (y * params["gain"] if scaled else y)
        return y if before else normed.apply(params["norm"], y)

    return Layer(shapes, apply)


def stack(draw: Draw, width: int, blocks: Sequence[tuple[int, Layer]]) -> Layer:
    """Blocks of any widths, a dense layer where the width changes.

    blocks: (width, block) in order; each takes the inputs after the first too.
    """
    joints = []
    for own, _ in blocks:
        joints.append(dense(draw, width, own) if width != own else Layer((), lambda p, x: x))
        width = own

    def apply(params: Any, x: Array, *more: Any) -> Any:
        for joint, (_, block), (first, second) in zip(joints, blocks, params, strict=True):
            x = block.apply(second, joint.apply(first, x), *more)
        return x

    pairs = zip(joints, blocks, strict=True)
    return Layer([(joint.shapes, block.shapes) for joint, (_, block) in pairs], apply)


def embedding(draw: Draw, vocabulary: int, width: int) -> Layer:
    """Rows of a table by int32 indices."""
    by_take = draw.flip()

    def apply(params: Array, tokens: Array) -> Any:
        return jnp.take(params, tokens, axis=0) if by_take else params[tokens]

    return Layer(floats(draw, vocabulary, width), apply)
