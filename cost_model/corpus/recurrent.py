"""Recurrent networks: some steps unrolled, or a loop over all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import Layer, dense, floats

Cell = Callable[[Draw, int, int], Layer]  # (draw, inputs, hidden) -> apply(params, state, x)


def lstm(draw: Draw) -> Model:
    """Long short-term memory."""
    return _network(draw, _lstm_cell, gates=4, states=2)


def gru(draw: Draw) -> Model:
    """Gated recurrent units."""
    return _network(draw, _gru_cell, gates=3, states=1)


def _network(draw: Draw, cell: Cell, gates: int, states: int) -> Model:
    """One to three layers, each with its own width; the whole sequence or the last output."""
    looped, flops = draw.flip(), budget(draw)
    steps = draw.size(4, 64) if looped else draw.one(range(2, 7))
    passes = steps if looped else 1  # a loop is one kernel, so its steps count together

    def cost(pair: tuple[int, int], hidden: int) -> tuple[float, float]:
        batch, width = pair
        weights = (width + hidden) * gates * hidden
        return 2 * passes * batch * weights, max(weights, steps * batch * gates * hidden)

    def wide() -> int:
        return draw.size(16, 1024, draw.one((1, 4, 8, 16)))

    batch, width = first = fit(flops, lambda: (draw.size(1, 256), wide()), lambda p: cost(p, p[1]))
    widths, cells = [first[1]], []
    for _ in range(draw.one((1, 1, 2, 3))):
        below = widths[-1]
        widths.append(fit(flops, wide, lambda n, b=below: cost((batch, b), n)))  # type: ignore[misc]
        cells.append(cell(draw, below, widths[-1]))
    head, last = dense(draw, widths[-1], draw.size(1, 256)), draw.flip()
    run = _loop if looped else _unrolled

    def apply(params: Any, x: Array) -> Any:
        for layer, own, hidden in zip(cells, params["cells"], widths[1:], strict=True):
            zeros = jnp.zeros((batch, hidden), x.dtype)
            x = run(layer, own, (zeros,) * states, x)
        return head.apply(params["head"], x[-1] if last else x)

    shapes = {"cells": [layer.shapes for layer in cells], "head": head.shapes}
    return apply, (shapes, floats(draw, steps, batch, width))


def _loop(cell: Layer, params: Any, state: tuple[Array, ...], x: Array) -> Array:
    def step(state: tuple[Array, ...], now: Array) -> tuple[tuple[Array, ...], Array]:
        state = cell.apply(params, state, now)
        return state, state[0]

    outputs: Array = jax.lax.scan(step, state, x)[1]
    return outputs


def _unrolled(cell: Layer, params: Any, state: tuple[Array, ...], x: Array) -> Any:
    outputs = []
    for now in x:
        state = cell.apply(params, state, now)
        outputs.append(state[0])
    return jnp.stack(outputs)


def _lstm_cell(draw: Draw, inputs: int, hidden: int) -> Layer:
    """State (h, c); one product of [x, h], or one of each."""
    joined, forget = draw.flip(), draw.one((0.0, 1.0))
    sources = [inputs + hidden] if joined else [inputs, hidden]
    layers = [dense(draw, n, 4 * hidden, bias=i == 0) for i, n in enumerate(sources)]

    def apply(params: Any, state: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        h, c = state
        given = [jnp.concatenate([x, h], axis=-1)] if joined else [x, h]
        made = [f.apply(p, v) for f, p, v in zip(layers, params, given, strict=True)]
        i, f, g, o = jnp.split(made[0] if joined else made[0] + made[1], 4, axis=-1)
        c = jax.nn.sigmoid(f + forget) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    return Layer([layer.shapes for layer in layers], apply)


def _gru_cell(draw: Draw, inputs: int, hidden: int) -> Layer:
    """State (h,); the reset gate acts before the product of h or after it."""
    late = draw.flip()
    of_x = dense(draw, inputs, 3 * hidden)
    gates, candidate = dense(draw, hidden, 2 * hidden), dense(draw, hidden, hidden)

    def apply(params: Any, state: tuple[Array], x: Array) -> tuple[Array]:
        (h,) = state
        x_gates, x_new = jnp.split(of_x.apply(params[0], x), [2 * hidden], axis=-1)
        z, r = jnp.split(jax.nn.sigmoid(x_gates + gates.apply(params[1], h)), 2, axis=-1)
        recalled = candidate.apply(params[2], h) * r if late else candidate.apply(params[2], r * h)
        return (z * h + (1 - z) * jnp.tanh(x_new + recalled),)

    return Layer([of_x.shapes, gates.shapes, candidate.shapes], apply)
