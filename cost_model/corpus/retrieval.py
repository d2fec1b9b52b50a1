"""Retrieval: what is searched for and what is found, each through a tower of its own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, at_most, budget
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    embedding,
    floats,
    integers,
)
from cosmalloc.cost_model.corpus.tabular import perceptron


def two_tower(draw: Draw) -> Model:
    """Means of bags of embeddings, two perceptrons, dots of normalised rows; a softmax over the
    batch, whose other rows are the negatives, or the best of many candidates (Yi, 2019)."""
    flops = budget(draw, 10**5, 3 * 10**8)
    joint = draw.one((16, 32, 64, 64, 128))
    rows = at_most(draw, 4, 2048, (flops / joint) ** 0.5)
    asked, given = _tower(draw, flops, rows, joint)
    if draw.flip(0.2):
        return _search(draw, joint, asked, given)
    found, others = _tower(draw, flops, rows, joint)
    warm, corrected, both, ending = draw.flip(), draw.flip(0.4), draw.flip(0.2), draw.flip(0.7)
    shapes = {"asked": asked.shapes, "found": found.shapes}
    shapes |= {"warmth": floats(draw, 1)} if warm else {}
    inputs = [given, others] + ([floats(draw, rows)] if corrected else [])

    def apply(params: Any, first: Any, second: Any, *often: Array) -> Any:
        queries = asked.apply(params["asked"], first)
        scores = queries @ found.apply(params["found"], second).T
        scores = scores * jnp.exp(params["warmth"]) if warm else scores / 0.05
        scores = scores - jnp.log(often[0] + 1e-6) if corrected else scores
        if not ending:
            return jax.nn.softmax(scores)
        loss = _own_row(scores)
        return (loss + _own_row(scores.T)) / 2 if both else loss

    return apply, (shapes, *inputs)


def _own_row(scores: Array) -> Array:
    """Mean of -log softmax where row and column are the same."""
    return -jnp.mean(jnp.diagonal(jax.nn.log_softmax(scores, axis=-1)))


def _search(draw: Draw, joint: int, asked: Layer, given: Any) -> Model:
    """The tower of the query alone against stored candidates: scores and places of the best."""
    rows = given["bags"][0].shape[0]
    candidates = at_most(draw, 128, 50_000, MOST_ELEMENTS / joint, 2 * MOST_ELEMENTS / (3 * rows))
    best = draw.one((1, 5, 10, 20, 50, 100))
    shapes = {"asked": asked.shapes, "stored": floats(draw, candidates, joint)}

    def apply(params: Any, inputs: Any) -> Any:
        return jax.lax.top_k(asked.apply(params["asked"], inputs) @ params["stored"].T, best)

    return apply, (shapes, given)


def _tower(draw: Draw, flops: int, rows: int, joint: int) -> tuple[Layer, Any]:
    """(layer, shapes of its input): bags of int32[rows, n] and perhaps numbers -> unit vectors.

    masked: index 0 fills a bag up and does not count.
    """
    width, masked, plain = draw.one((8, 10, 16, 32, 64)), draw.flip(), draw.size(1, 64)
    bags = [draw.one((1, 2, 5, 10, 20, draw.size(2, 64))) for _ in range(draw.one((1, 2, 3, 4)))]
    bags = [max(1, min(n, MOST_ELEMENTS // (rows * width))) for n in bags]
    most = min(100_000, MOST_ELEMENTS // width)
    tables = [embedding(draw, draw.size(64, most), width) for _ in bags]
    numbers = draw.flip()
    inputs = len(bags) * width + plain * numbers
    outputs, deep = perceptron(draw, flops, rows, inputs, draw.one((1, 2, 2, 3)))
    last = dense(draw, outputs, joint)
    shapes = {"deep": deep.shapes, "last": last.shapes, "tables": [t.shapes for t in tables]}
    given: dict[str, Any] = {"bags": [integers(rows, n) for n in bags]}
    given |= {"numbers": floats(draw, rows, plain)} if numbers else {}

    def apply(params: Any, inputs: Any) -> Array:
        parts = []
        for layer, own, bag in zip(tables, params["tables"], inputs["bags"], strict=True):
            parts.append(_mean(layer.apply(own, bag), bag != 0 if masked else None))
        x = jnp.concatenate([*parts, *([inputs["numbers"]] if numbers else [])], axis=-1)
        y = last.apply(params["last"], deep.apply(params["deep"], x))
        unit: Array = y * jax.lax.rsqrt(jnp.square(y).sum(-1, keepdims=True) + 1e-6)
        return unit

    return Layer(shapes, apply), given


def _mean(found: Array, counts: Array | None) -> Array:
    """Of the places of a bag that count: (rows, places, width) -> (rows, width)."""
    if counts is None:
        return found.mean(1)
    shares = counts.astype(found.dtype)[..., None]
    return (found * shares).sum(1) / jnp.maximum(shares.sum(1), 1)
