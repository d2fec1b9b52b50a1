"""A mixture of experts: every token goes to the few that its gate likes most."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Function,
    Layer,
    activation,
    dense,
    floats,
    residual,
    softmax,
    stack,
)

Sizes = tuple[int, int, int, int]  # tokens, width, hidden, experts


def experts(draw: Draw) -> Model:
    """One or two blocks; each runs every expert on all tokens, or on a few slots per expert."""
    flops = budget(draw)

    def block(tokens: int | None) -> Sizes:
        def sample() -> Sizes:
            count, wide = draw.one((2, 3, 4, 4, 6, 8, 8, 16)), draw.one((1, 8, 16))
            return (
                tokens or draw.size(4, 2048),
                draw.size(16, 512, wide),
                draw.size(16, 1024, wide),
                count,
            )

        return fit(flops, sample, _cost)

    drawn = [block(None)]
    drawn += [block(drawn[0][0]) for _ in range(draw.one((0, 1, 1)))]
    made = [(own[1], _block(draw, *own)) for own in drawn]
    body = stack(draw, drawn[0][1], made)
    return body.apply, (body.shapes, floats(draw, drawn[0][0], drawn[0][1]))


def _cost(sizes: Sizes) -> tuple[float, float]:
    tokens, width, hidden, count = sizes
    rows = count * max(width, hidden)
    return 2 * tokens * width * hidden * count, max(rows * tokens, rows * min(width, hidden))


def _block(draw: Draw, tokens: int, width: int, hidden: int, count: int) -> Layer:
    act, chosen = activation(draw), draw.one(range(1, min(count, 4) + 1))
    gate, normalise = dense(draw, width, count, bias=False), softmax(draw)
    slots = max(1, int(tokens * chosen / count * draw.one((1.0, 1.25))))
    sparse = draw.flip(0.6) and tokens * count * slots <= MOST_ELEMENTS
    run = _few if sparse and 2 * tokens * count * slots * width <= 10**9 else _all
    shapes = (
        gate.shapes,
        floats(draw, count, width, hidden),
        floats(draw, count, hidden, width),
    )

    def apply(params: Any, x: Array) -> Any:
        scores = normalise(gate.apply(params[0], x))
        best, index = jax.lax.top_k(scores, chosen)
        best = best / (best.sum(-1, keepdims=True) + 1e-6)
        given = jax.nn.one_hot(index, count, dtype=x.dtype)  # (tokens, chosen, experts)
        shares = (given * best[..., None]).sum(1)
        return run(params[1], params[2], x, shares, given.sum(1), slots, act)

    return residual(draw, width, Layer(shapes, apply))


def _all(
    up: Array, down: Array, x: Array, shares: Array, given: Array, slots: int, act: Function
) -> Array:
    """Every expert on every token, the results weighed."""
    y = act(jnp.einsum("td,edf->etf", x, up))
    y = jnp.einsum("etf,efd->etd", y, down)
    return jnp.einsum("etd,te->td", y, shares)


def _few(
    up: Array, down: Array, x: Array, shares: Array, given: Array, slots: int, act: Function
) -> Array:
    """Each expert on its first `slots` tokens; the others are dropped."""
    place = jnp.cumsum(given.astype("float32"), axis=0) * given - 1
    sent = jax.nn.one_hot(place.astype("int32"), slots, dtype=x.dtype)  # (tokens, experts, slots)
    held = jnp.einsum("tes,td->esd", sent, x)
    y = jnp.einsum("esf,efd->esd", act(jnp.einsum("esd,edf->esf", held, up)), down)
    return jnp.einsum("tes,esd->td", sent * shares[..., None], y)
