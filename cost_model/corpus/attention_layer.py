"""Multi-head attention in the layouts that models use, and sizes of a transformer's blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    feed_forward,
    floats,
    residual,
    softmax,
)


@dataclass(frozen=True)
class Sizes:
    """One block: tokens, width, hidden units, heads."""

    batch: int
    length: int  # of the queries
    memory: int  # length of keys and values
    width: int
    hidden: int
    heads: int
    groups: int  # heads of keys and values; divides `heads`
    head: int  # width of a head

    def cost(self) -> tuple[float, float]:
        """(operations of the costliest product, elements of the largest tensor)."""
        inner = self.heads * self.head
        rows = self.batch * max(self.length, self.memory)
        scores = self.batch * self.heads * self.length * max(self.length, self.memory)
        products = (rows * self.width * max(self.hidden, inner), scores * self.head)
        wide = max(2 * self.hidden, 3 * inner, self.width)
        return 2 * max(products), max(scores, rows * wide, self.width * wide)


def draw_sizes(draw: Draw, flops: int, grouped: bool = False, memory: bool = False) -> Sizes:
    """Sizes of a first block, batch and lengths included."""

    def sample() -> Sizes:
        batch = draw.size(1, 64)
        length = draw.size(1, 1024, draw.one((1, 1, 8, 16)))
        keys = draw.size(1, 1024, draw.one((1, 8))) if memory else length
        return block_sizes(draw, batch, length, keys, grouped)

    return fit(flops, sample, Sizes.cost)


def next_sizes(draw: Draw, flops: int, first: Sizes) -> Sizes:
    """Sizes of another block for the same tokens."""
    grouped = first.groups != first.heads

    def sample() -> Sizes:
        return block_sizes(draw, first.batch, first.length, first.memory, grouped)

    return fit(flops, sample, Sizes.cost)


def block_sizes(draw: Draw, batch: int, length: int, memory: int, grouped: bool) -> Sizes:
    width = draw.size(16, 1024, draw.one((1, 4, 8, 16, 32)))
    head = draw.one((8, 12, 16, 20, 24, 32, 32, 40, 48, 64, 64, 80, 96, 128))
    heads = draw.size(1, 16)
    groups = draw.one([g for g in range(1, heads + 1) if heads % g == 0]) if grouped else heads
    hidden = draw.size(max(16, width // 2), 4 * width, draw.one((1, 8, 16)))
    return Sizes(batch, length, memory, width, hidden, heads, groups, head)


def attention(
    draw: Draw,
    sizes: Sizes,
    turn: Callable[[Array], Array] | None = None,
    crossed: bool = False,
    outputs: int | None = None,
) -> Layer:
    """Attention of `sizes`; apply(params, x, change, memory).

    turn: what happens to queries and keys, (batch, length, heads, head), before their product.
    change: what happens to the scores, (batch, heads, length, memory), before the softmax.
    outputs: width of the results; that of `sizes` by default.
    """
    heads, groups, head = sizes.heads, sizes.groups, sizes.head
    joined, heads_first, bias = not crossed and draw.flip(), draw.flip(), draw.flip()
    scaled, normalise = draw.one(("query", "scores", "none")), softmax(draw)
    inner = [heads * head, groups * head, groups * head]
    into = [dense(draw, sizes.width, n, bias) for n in ([sum(inner)] if joined else inner)]
    out = dense(draw, heads * head, outputs or sizes.width, bias)

    def project(params: Any, x: Array, memory: Array) -> list[Array]:
        if joined:
            whole = into[0].apply(params["in"][0], x)
            parts = jnp.split(whole, [inner[0], inner[0] + inner[1]], axis=-1)
        else:
            sources = (x, memory, memory)
            parts = [f.apply(p, s) for f, p, s in zip(into, params["in"], sources, strict=True)]
        return [part.reshape(*part.shape[:2], -1, head) for part in parts]

    def apply(
        params: Any,
        x: Array,
        change: Callable[[Array], Array] | None = None,
        memory: Array | None = None,
    ) -> Any:
        q, k, v = project(params, x, x if memory is None else memory)
        if turn is not None:
            q, k = turn(q), turn(k)
        if groups != heads:
            k, v = (jnp.repeat(a, heads // groups, axis=2) for a in (k, v))
        if scaled == "query":
            q = q * head**-0.5
        if heads_first:
            q, k, v = (a.transpose(0, 2, 1, 3) for a in (q, k, v))
        scores = jnp.einsum("bhqd,bhkd->bhqk" if heads_first else "bqhd,bkhd->bhqk", q, k)
        if scaled == "scores":
            scores = scores * head**-0.5
        weights = normalise(scores if change is None else change(scores))
        y = jnp.einsum("bhqk,bhkd->bqhd" if heads_first else "bhqk,bkhd->bqhd", weights, v)
        return out.apply(params["out"], y.reshape(*y.shape[:2], heads * head))

    return Layer({"in": [layer.shapes for layer in into], "out": out.shapes}, apply)


def transformer_block(
    draw: Draw,
    sizes: Sizes,
    turn: Callable[[Array], Array] | None = None,
    kind: str | None = None,
    gated: bool | None = None,
) -> Layer:
    """Attention, then a feed-forward layer, each with its residual; apply(params, x, change)."""
    first = residual(draw, sizes.width, attention(draw, sizes, turn), kind)
    second = feed_forward(draw, sizes.width, sizes.hidden, gated)
    after = residual(draw, sizes.width, second, kind)

    def apply(params: Any, x: Array, change: Callable[[Array], Array] | None = None) -> Any:
        return after.apply(params[1], first.apply(params[0], x, change))

    return Layer((first.shapes, after.shapes), apply)


def blocks(
    draw: Draw, flops: int, first: Sizes, make: Callable[[Sizes], Layer], most: int = 3
) -> list[tuple[int, Layer]]:
    """One to `most` blocks, every one with its own sizes."""
    sizes = [first, *(next_sizes(draw, flops, first) for _ in range(draw.one(range(most))))]
    return [(own.width, make(own)) for own in sizes]


def table(draw: Draw, width: int, most: int = 32_000) -> tuple[int, Any]:
    """(rows, shape) of a table of embeddings."""
    rows = draw.size(64, max(65, min(most, MOST_ELEMENTS // width)))
    return rows, floats(draw, rows, width)
