"""Multi-layer perceptrons and recommenders."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    activation,
    chain,
    dense,
    embedding,
    floats,
    integers,
    norm,
    pointwise,
    softmax,
)


def perceptron(draw: Draw, flops: int, rows: int, inputs: int, depth: int) -> tuple[int, Layer]:
    """(width of the output, dense layers with norms and activations), every width its own."""
    layers = []
    for _ in range(depth):
        outputs = fit(
            flops,
            lambda: draw.size(16, 2048, draw.one((1, 8, 16, 32))),
            lambda n, inputs=inputs: (2 * rows * inputs * n, max(rows * n, inputs * n)),  # type: ignore[misc]
        )
        layers.append(dense(draw, inputs, outputs))
        if draw.flip(0.3):
            layers.append(norm(draw, outputs))
        layers.append(pointwise(activation(draw)))
        inputs = outputs
    return inputs, chain(*layers)


def rows_and_width(draw: Draw, flops: int) -> tuple[int, int]:
    """(rows, width) such that a square product costs about `flops`."""
    return fit(
        flops,
        lambda: (draw.size(1, 4096), draw.size(8, 1024, draw.one((1, 4, 8, 16)))),
        lambda pair: (2 * pair[0] * pair[1] ** 2, max(pair[0] * pair[1], pair[1] ** 2)),
    )


def mlp(draw: Draw) -> Model:
    """Two to six layers and perhaps a softmax over classes."""
    flops = budget(draw)
    rows, width = rows_and_width(draw, flops)
    outputs, body = perceptron(draw, flops, rows, width, draw.one(range(1, 6)))
    classes = draw.size(1, 1000)
    ending = [pointwise(softmax(draw))] if draw.flip() else []
    whole = chain(body, dense(draw, outputs, classes), *ending)
    return whole.apply, (whole.shapes, floats(draw, rows, width))


def dlrm(draw: Draw) -> Model:
    """Rows of many tables, dots of every pair, a perceptron below and one above."""
    flops = budget(draw, 10**5, 3 * 10**8)
    rows, width = rows_and_width(draw, flops)
    features, tables = draw.size(8, 128, draw.one((1, 8))), draw.size(2, 24)
    rows = max(1, min(rows, MOST_ELEMENTS // ((tables + 1) * max(features, tables + 1))))
    lower, below = perceptron(draw, flops, rows, width, draw.one((1, 2, 3)))
    joint, bags, joined = dense(draw, lower, features), draw.one((1, 1, 2, 4)), draw.flip(0.7)
    bags = bags if rows * tables * bags * features <= MOST_ELEMENTS else 1
    memory = [embedding(draw, _entries(draw, features), features) for _ in range(tables)]
    pairs = (tables + 1) * tables // 2
    upper, above = perceptron(draw, flops, rows, pairs + lower * joined, draw.one((1, 2, 3)))
    head = dense(draw, upper, 1)
    parts = {"below": below, "joint": joint, "above": above, "head": head}
    shapes = {name: part.shapes for name, part in parts.items()}

    def apply(params: Any, x: Array, indices: Array) -> Any:
        x = below.apply(params["below"], x)
        found = [joint.apply(params["joint"], x)]
        for i, (own, layer) in enumerate(zip(params["tables"], memory, strict=True)):
            found.append(layer.apply(own, indices[:, i]).sum(1))
        every = jnp.stack(found, axis=1)
        dots = jnp.einsum("rif,rjf->rij", every, every)
        low, high = jnp.tril_indices(tables + 1, -1)
        crossed = dots[:, low, high]
        y = jnp.concatenate([x, crossed], axis=-1) if joined else crossed
        return jnp.squeeze(head.apply(params["head"], above.apply(params["above"], y)), -1)

    tables_of = {"tables": [layer.shapes for layer in memory]}
    return apply, (shapes | tables_of, floats(draw, rows, width), integers(rows, tables, bags))


def _entries(draw: Draw, features: int) -> int:
    return draw.size(16, min(100_000, MOST_ELEMENTS // features))
