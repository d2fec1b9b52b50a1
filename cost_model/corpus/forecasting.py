"""Forecasts of series by stacks of perceptrons that explain what the others left over."""

from __future__ import annotations

import math
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    activation,
    chain,
    dense,
    floats,
    pointwise,
)
from cosmalloc.cost_model.corpus.tabular import rows_and_width

Basis = Literal["learned", "trend", "season"]


def nbeats(draw: Draw) -> Model:
    """Blocks that take their backcast from the series and add their forecast to the sum; over a
    trend and a season, or over bases that are learned (Oreshkin, 2020)."""
    rows, width = rows_and_width(draw, budget(draw))
    ahead, depth, scaled = draw.size(1, 96), draw.one((2, 3, 4, 4)), draw.flip(0.3)
    back, each = ahead * draw.one((2, 3, 4, 5, 6, 7)), draw.one((1, 1, 2, 3))
    shared, apart = draw.flip(0.3), draw.flip(0.3)  # weights within a stack; the parts as results
    learned: tuple[Basis, ...] = draw.one((("learned",), ("learned", "learned")))
    stacks: tuple[Basis, ...] = learned if draw.flip() else ("trend", "season")
    blocks: list[tuple[int, Layer]] = []  # (place of its parameters, block)
    for turn, basis in enumerate(stacks):
        wide = draw.size(16, 512, draw.one((1, 8, 16))) if turn else width
        first = len(blocks)
        for _ in range(each):
            again = shared and len(blocks) > first
            made = blocks[-1] if again else None
            blocks.append(made or (len(blocks), _block(draw, basis, back, ahead, wide, depth)))

    def apply(params: Any, series: Array) -> Any:
        level = jnp.abs(series).max(-1, keepdims=True) + 1e-4 if scaled else 1.0
        left, parts = series / level if scaled else series, []
        for place, block in blocks:
            backcast, forecast = block.apply(params[place], left)
            left = left - backcast
            parts.append(forecast)
        total = sum(parts[1:], parts[0])
        total = total * level if scaled else total
        return (total, jnp.stack(parts), left) if apart else total

    own = {place: block.shapes for place, block in blocks}
    return apply, (own, floats(draw, rows, back))


def _block(draw: Draw, basis: Basis, back: int, ahead: int, width: int, depth: int) -> Layer:
    """Dense layers; apply(params, series) -> (backcast, forecast), each a product of its
    coefficients, which come from the last layer, and its basis."""
    act = jax.nn.relu if draw.flip(0.8) else activation(draw)
    layers = [dense(draw, width if i else back, width, bias=True) for i in range(depth)]
    body = chain(*(part for layer in layers for part in (layer, pointwise(act))))
    terms = _terms(draw, basis, back, ahead)
    joined = draw.flip(0.4)  # the coefficients of both from one product
    heads = [dense(draw, width, n) for n in ([sum(terms)] if joined else terms)]
    shapes = {"body": body.shapes, "heads": [head.shapes for head in heads]}
    stored = basis == "learned" or draw.flip(0.4)
    if stored:
        shapes["bases"] = [floats(draw, n, m) for n, m in zip(terms, (back, ahead), strict=True)]

    def apply(params: Any, x: Array) -> Any:
        y = body.apply(params["body"], x)
        made = [head.apply(own, y) for head, own in zip(heads, params["heads"], strict=True)]
        past, coming = jnp.split(made[0], [terms[0]], axis=-1) if joined else made
        if stored:
            bases = params["bases"]
        else:
            sizes = zip(terms, (back, ahead), strict=True)
            bases = [_basis(basis, n, places).astype(x.dtype) for n, places in sizes]
        return past @ bases[0], coming @ bases[1]

    return Layer(shapes, apply)


def _terms(draw: Draw, basis: Basis, back: int, ahead: int) -> tuple[int, int]:
    """Number of coefficients of the backcast and of the forecast."""
    if basis == "season":
        return 2 * (back // 2), 2 * max(1, ahead // 2)
    terms = draw.one((2, 3, 3, 4)) if basis == "trend" else draw.size(2, 64)
    return terms, terms


def _basis(basis: Basis, terms: int, places: int) -> Array:
    """Powers of the time, or cosines and sines of its multiples: float32[terms, places]."""
    time = jnp.arange(places, dtype="float32") / places
    if basis == "trend":
        return time[None] ** jnp.arange(terms, dtype="float32")[:, None]
    angles = 2 * math.pi * jnp.arange(terms // 2, dtype="float32")[:, None] * time[None]
    return jnp.concatenate([jnp.cos(angles), jnp.sin(angles)])
