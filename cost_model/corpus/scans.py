"""Attention without a softmax, and state spaces: sums and products along the sequence."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, blocks, draw_sizes
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Function,
    Layer,
    activation,
    dense,
    feed_forward,
    floats,
    residual,
    stack,
)


def linear_attention(draw: Draw) -> Model:
    """Feature maps of queries and keys; sums over all places, over earlier ones, or a mask."""
    flops = budget(draw)
    first = draw_sizes(draw, flops)
    body = stack(draw, first.width, blocks(draw, flops, first, lambda s: _linear_block(draw, s)))
    return body.apply, (body.shapes, floats(draw, first.batch, first.length, first.width))


def _linear_block(draw: Draw, sizes: Sizes) -> Layer:
    first = residual(draw, sizes.width, _linear(draw, sizes))
    second = residual(draw, sizes.width, feed_forward(draw, sizes.width, sizes.hidden))

    def apply(params: Any, x: Array) -> Any:
        return second.apply(params[1], first.apply(params[0], x))

    return Layer((first.shapes, second.shapes), apply)


def _linear(draw: Draw, sizes: Sizes) -> Layer:
    heads, head, inner = sizes.heads, sizes.head, sizes.heads * sizes.head
    summed = sizes.batch * sizes.length * inner * head <= MOST_ELEMENTS // 2
    joint, out = dense(draw, sizes.width, 3 * inner), dense(draw, inner, sizes.width)
    kind, feature = draw.one(("all", "earlier", "masked")), _feature(draw)
    kind = "masked" if kind == "earlier" and not summed else kind

    def apply(params: Any, x: Array) -> Any:
        parts = jnp.split(joint.apply(params[0], x), 3, axis=-1)
        q, k, v = (part.reshape(*part.shape[:2], heads, head) for part in parts)
        q, k = feature(q), feature(k)
        if kind == "all":
            weights = 1 / (jnp.einsum("bqhd,bhd->bqh", q, k.sum(1)) + 1e-6)
            y = jnp.einsum("bqhd,bhde->bqhe", q, jnp.einsum("bkhd,bkhe->bhde", k, v))
        elif kind == "earlier":
            weights = 1 / (jnp.einsum("bqhd,bqhd->bqh", q, jnp.cumsum(k, axis=1)) + 1e-6)
            state = jnp.cumsum(k[..., None] * v[..., None, :], axis=1)
            y = jnp.einsum("bqhd,bqhde->bqhe", q, state)
        else:
            scores = jnp.tril(jnp.einsum("bqhd,bkhd->bhqk", q, k))
            weights = 1 / (scores.sum(-1).transpose(0, 2, 1) + 1e-6)
            y = jnp.einsum("bhqk,bkhd->bqhd", scores, v)
        y = y * weights[..., None]
        return out.apply(params[1], y.reshape(*y.shape[:2], inner))

    return Layer((joint.shapes, out.shapes), apply)


def _feature(draw: Draw) -> Function:
    kinds: tuple[Function, ...] = (
        lambda x: jax.nn.elu(x) + 1,
        lambda x: jax.nn.relu(x) + 1e-3,
        lambda x: jnp.exp(x - x.max(-1, keepdims=True)),
        lambda x: jax.nn.softmax(x, axis=-1),
        jnp.square,
    )
    return draw.one(kinds)


def state_space(draw: Draw) -> Model:
    """Selective or fixed decay of a diagonal state, by an associative scan or running products."""
    flops = budget(draw, high=3 * 10**8)

    def block(tokens: tuple[int, int] | None) -> tuple[int, int, int, int, int]:
        def sample() -> tuple[int, int, int, int, int]:
            batch, length = tokens or (draw.size(1, 16), draw.size(4, 1024))
            wide = draw.one((1, 8, 16))
            return (
                batch,
                length,
                draw.size(16, 512, wide),
                draw.size(16, 1024, wide),
                draw.one((1, 2, 4, 8, 16)),
            )

        def cost(drawn: tuple[int, int, int, int, int]) -> tuple[float, float]:
            batch, length, width, inner, state = drawn
            return 2 * batch * length * width * inner, batch * length * inner * max(state, 2)

        return fit(flops, sample, cost)

    drawn = [block(None)]
    batch, length, width, *_ = drawn[0]
    drawn += [block((batch, length)) for _ in range(draw.one((0, 0, 1)))]
    made = [(own[2], residual(draw, own[2], _selective(draw, *own[2:]))) for own in drawn]
    body = stack(draw, width, made)
    return body.apply, (body.shapes, floats(draw, batch, length, width))


def _selective(draw: Draw, width: int, inner: int, state: int) -> Layer:
    """h[t] = a[t] h[t-1] + b[t] x[t], y[t] = c[t] h[t] + d x[t], gated by an activation."""
    into, out = dense(draw, width, 2 * inner, False), dense(draw, inner, width, False)
    steps, act, run = dense(draw, inner, 1 + 2 * state), activation(draw), draw.one((scan, _runs))
    taps = draw.one((0, 2, 3, 4))
    shapes = {
        "into": into.shapes,
        "out": out.shapes,
        "steps": steps.shapes,
        "rates": floats(draw, inner, state),
        "skip": floats(draw, inner),
        "taps": floats(draw, taps, inner),
    }

    def apply(params: Any, x: Array) -> Any:
        x, gate = jnp.split(into.apply(params["into"], x), 2, axis=-1)
        if taps:
            x = act(_shifted_sum(x, params["taps"]))
        step, b, c = jnp.split(steps.apply(params["steps"], x), [1, 1 + state], axis=-1)
        step = jax.nn.softplus(step)
        decay = jnp.exp(-step[..., None] * jnp.exp(params["rates"]))
        h = run(decay, (step * x)[..., None] * b[:, :, None, :])
        y = (h * c[:, :, None, :]).sum(-1) + params["skip"] * x
        return out.apply(params["out"], y * jax.nn.silu(gate))

    return Layer(shapes, apply)


def _shifted_sum(x: Array, taps: Array) -> Array:
    """A causal convolution by channel, as shifted copies."""
    padded = jnp.pad(x, ((0, 0), (taps.shape[0] - 1, 0), (0, 0)))
    pieces = [padded[:, i : i + x.shape[1]] * taps[i] for i in range(taps.shape[0])]
    return sum(pieces[1:], pieces[0])


def scan(decay: Array, added: Array, axis: int = 1, reverse: bool = False) -> Array:
    """h[t] = decay[t] h[t-1] + added[t] along the axis, all t at once; reverse: of h[t+1]."""

    def join(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        return a[0] * b[0], a[1] * b[0] + b[1]

    states: Array = jax.lax.associative_scan(join, (decay, added), reverse, axis)[1]
    return states


def _runs(decay: Array, added: Array) -> Array:
    """By the running product p of the decay: h = p * cumsum(added / p)."""
    product = jnp.cumprod(decay, axis=1)
    return product * jnp.cumsum(added / (product + 1e-6), axis=1)
