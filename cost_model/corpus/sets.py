"""Attention for sets: what comes out doesn't depend on the order of what goes in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, attention, block_sizes
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget, fit
from cosmalloc.cost_model.corpus.masks import padding
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    feed_forward,
    floats,
    residual,
    stack,
)


def set_transformer(draw: Draw) -> Model:
    """Points read a few learnt ones that have read them; a few seeds read all (Lee, 2019)."""
    flops = budget(draw, high=4 * 10**8)
    first = _sizes(draw, flops, draw.size(1, 64), None)
    induced, masked = draw.flip(0.75), draw.flip(0.3)
    made: list[tuple[int, Layer]] = []
    for _ in range(draw.one((1, 2, 2, 3))):
        own = first if not made else _sizes(draw, flops, first.batch, first.length)
        made.append((own.width, (_induced if induced else _whole)(draw, own)))
    features = draw.size(1, 64)
    body, entry = stack(draw, first.width, made), dense(draw, features, first.width)
    seeds, width = draw.one((1, 1, 2, 4, 10)), made[-1][0]
    last = replace(own, length=seeds, memory=first.length)
    pool, after = _reads(draw, last), _reads(draw, replace(last, memory=seeds))
    again, outputs = draw.flip() and seeds > 1, draw.size(1, 100)
    before, head = dense(draw, width, width), dense(draw, width, outputs)
    mask, change_by = padding(first.batch, first.length)
    parts = {"entry": entry, "body": body, "pool": pool, "head": head}
    shapes = {name: part.shapes for name, part in parts.items()}
    shapes |= {"seeds": floats(draw, 1, seeds, width)}
    shapes |= {"after": after.shapes} if again else {}
    fed = draw.flip(0.4)
    shapes |= {"before": before.shapes} if fed else {}

    def apply(params: Any, x: Array, *more: Array) -> Any:
        change = change_by(more[0]) if masked else None
        x = body.apply(params["body"], entry.apply(params["entry"], x), change)
        x = jax.nn.relu(before.apply(params["before"], x)) if fed else x
        start = jnp.broadcast_to(params["seeds"], (first.batch, seeds, width))
        x = pool.apply(params["pool"], start, change, x)
        x = after.apply(params["after"], x, None, x) if again else x
        x = head.apply(params["head"], x)
        return x[:, 0] if seeds == 1 else x

    points = floats(draw, first.batch, first.length, features)
    return apply, (shapes, points, *([mask] if masked else []))


def _sizes(draw: Draw, flops: int, batch: int, length: int | None) -> Sizes:
    """`memory`: the learnt points."""

    def sample() -> Sizes:
        points, learnt = length or draw.size(4, 2048), draw.size(2, 64)
        return block_sizes(draw, batch, points, learnt, False)

    def cost(sizes: Sizes) -> tuple[float, float]:
        operations, elements = sizes.cost()
        alone = sizes.batch * sizes.heads * sizes.length**2  # scores of a block without them
        return operations, max(elements, alone if sizes.length <= 256 else 0)

    return fit(flops, sample, cost)


def _reads(draw: Draw, sizes: Sizes) -> Layer:
    """apply(params, x, change, memory): x that reads the memory, then a feed-forward layer."""
    first = residual(draw, sizes.width, attention(draw, sizes, crossed=True))
    second = residual(draw, sizes.width, feed_forward(draw, sizes.width, sizes.hidden))

    def apply(params: Any, x: Array, change: Any, memory: Array) -> Any:
        return second.apply(params[1], first.apply(params[0], x, change, memory))

    return Layer((first.shapes, second.shapes), apply)


def _induced(draw: Draw, sizes: Sizes) -> Layer:
    """The learnt points read x, x reads what they found: apply(params, x, change)."""
    first = _reads(draw, replace(sizes, length=sizes.memory, memory=sizes.length))
    second = _reads(draw, sizes)
    learnt = floats(draw, 1, sizes.memory, sizes.width)

    def apply(params: Any, x: Array, change: Any = None) -> Any:
        points = jnp.broadcast_to(params["points"], (sizes.batch, *learnt.shape[1:]))
        found = first.apply(params["first"], points, change, x)
        return second.apply(params["second"], x, None, found)

    return Layer({"points": learnt, "first": first.shapes, "second": second.shapes}, apply)


def _whole(draw: Draw, sizes: Sizes) -> Layer:
    """All points read all, where that isn't too much: apply(params, x, change)."""
    if sizes.batch * sizes.heads * sizes.length**2 > MOST_ELEMENTS:
        return _induced(draw, sizes)
    reads = _reads(draw, replace(sizes, memory=sizes.length))

    def apply(params: Any, x: Array, change: Any = None) -> Any:
        return reads.apply(params, x, change, x)

    return Layer(reads.shapes, apply)
