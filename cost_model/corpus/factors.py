"""Recommenders by factors: embeddings of many features, their products, and a deep part."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget
from cosmalloc.cost_model.corpus.sequence_layers import dense, floats, integers
from cosmalloc.cost_model.corpus.tabular import perceptron


def deepfm(draw: Draw) -> Model:
    """One table for all features, a linear part, products of pairs as half of the difference of
    squares, a perceptron, now and then a layer of crosses (Guo, 2017; Wang, 2021)."""
    flops = budget(draw, 10**5, 3 * 10**8)
    rows, fields, width = draw.size(1, 2048), draw.size(3, 40), draw.one((4, 8, 10, 16, 32))
    rows = max(1, min(rows, MOST_ELEMENTS // (fields * width)))
    entries = draw.size(64, min(200_000, MOST_ELEMENTS // width))
    inputs = fields * width
    outputs, deep = perceptron(draw, flops, rows, inputs, draw.one((1, 2, 3)))
    head, crossed = dense(draw, outputs, 1), draw.flip() and inputs <= 1024
    shapes = {
        "table": floats(draw, entries, width),
        "linear": floats(draw, entries),
        "deep": deep.shapes,
        "head": head.shapes,
    }
    if crossed:
        shapes["cross"] = floats(draw, inputs, inputs)

    def apply(params: Any, indices: Array, amounts: Array) -> Any:
        found = params["table"][indices] * amounts[..., None]
        first = (params["linear"][indices] * amounts).sum(-1)
        second = (jnp.square(found.sum(1)) - jnp.square(found).sum(1)).sum(-1) / 2
        flat = x = found.reshape(rows, inputs)
        if crossed:
            x = flat * (flat @ params["cross"]) + flat
        third = head.apply(params["head"], deep.apply(params["deep"], x))
        return jax.nn.sigmoid(first + second + third[:, 0])

    return apply, (shapes, integers(rows, fields), floats(draw, rows, fields))
