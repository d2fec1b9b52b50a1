"""One token of a language model, keys and values of the earlier ones in a cache."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, block_sizes, table
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import HIGHEST_FLOPS, MOST_ELEMENTS, at_most, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    embedding,
    feed_forward,
    floats,
    integers,
    norm,
    residual,
    softmax,
    stack,
)


def decode(draw: Draw) -> Model:
    """Logits of one token per sequence, and the caches with its keys and values."""
    flops, kind = budget(draw, high=3 * 10**8), draw.one(("layer", "rms"))

    def block(batch: int | None, length: int) -> Sizes:
        def sample() -> Sizes:
            return block_sizes(draw, batch or draw.size(1, 128), 1, length, grouped=True)

        return fit(flops, sample, _cost)

    length = draw.size(8, 1024, draw.one((1, 8, 64)))
    first = block(None, length)
    more = [block(first.batch, length) for _ in range(draw.one(range(3)))]
    sizes = [first, *more]
    made = [(own.width, _block(draw, own, kind)) for own in sizes]
    body, width = stack(draw, first.width, made), sizes[-1].width
    words = embedding(draw, table(draw, first.width)[0], first.width)
    limit = HIGHEST_FLOPS / (2 * first.batch * width)
    vocabulary = at_most(draw, 16, 32_000, limit, MOST_ELEMENTS / width)
    final, head = norm(draw, width, kind), dense(draw, width, vocabulary, bias=False)
    parts = {"words": words, "body": body, "final": final, "head": head}

    def apply(params: Any, tokens: Array, place: Array, *caches: Array) -> Any:
        kept: list[Array] = []
        x = words.apply(params["words"], tokens)
        x = body.apply(params["body"], x, place, list(caches), kept)
        x = final.apply(params["final"], x)
        return head.apply(params["head"], x), kept

    shapes = {name: part.shapes for name, part in parts.items()}
    caches = [floats(draw, s.batch, s.groups, length, s.head) for s in sizes for _ in range(2)]
    return apply, (shapes, integers(first.batch), integers(), *caches)


def _cost(sizes: Sizes) -> tuple[float, float]:
    inner = sizes.heads * sizes.head
    products = (
        sizes.batch * sizes.width * max(sizes.hidden, inner),
        sizes.batch * sizes.memory * inner,
    )
    cache = sizes.batch * sizes.memory * sizes.groups * sizes.head
    return 2 * max(products), max(cache, 2 * sizes.width * sizes.hidden, 3 * sizes.width * inner)


def _block(draw: Draw, sizes: Sizes, kind: str) -> Layer:
    """apply(params, x, place, caches, kept): takes two caches, appends both anew to `kept`."""
    first = residual(draw, sizes.width, _attention(draw, sizes), kind)
    second = residual(draw, sizes.width, feed_forward(draw, sizes.width, sizes.hidden), kind)

    def apply(params: Any, x: Array, *more: Any) -> Any:
        return second.apply(params[1], first.apply(params[0], x, *more))

    return Layer((first.shapes, second.shapes), apply)


def _attention(draw: Draw, sizes: Sizes) -> Layer:
    batch, groups, head = sizes.batch, sizes.groups, sizes.head
    inner, other = sizes.heads * head, groups * head
    joint, out = dense(draw, sizes.width, inner + 2 * other), dense(draw, inner, sizes.width)
    masked, normalise = draw.flip(0.7), softmax(draw)

    def apply(params: Any, x: Array, place: Array, caches: list[Array], kept: list[Array]) -> Any:
        q, k, v = jnp.split(joint.apply(params[0], x), [inner, inner + other], axis=-1)
        for new in (k, v):
            one = new.reshape(batch, groups, 1, head)
            kept.append(jax.lax.dynamic_update_slice(caches.pop(0), one, (0, 0, place, 0)))
        q = q.reshape(batch, groups, -1, head) * head**-0.5
        scores = jnp.einsum("bgqd,bgkd->bgqk", q, kept[-2])
        if masked:
            scores = jnp.where(jnp.arange(scores.shape[-1]) <= place, scores, -1e9)
        y = jnp.einsum("bgqk,bgkd->bgqd", normalise(scores), kept[-1])
        return out.apply(params[1], y.reshape(batch, inner))

    return Layer((joint.shapes, out.shapes), apply)
