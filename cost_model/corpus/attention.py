"""Transformers: encoder, causal decoder, rotary with gates, and attention to an encoding."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import (
    Sizes,
    attention,
    blocks,
    draw_sizes,
    table,
    transformer_block,
)
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import HIGHEST_FLOPS, MOST_ELEMENTS, at_most, budget
from cosmalloc.cost_model.corpus.masks import causal, padding, rotary
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    embedding,
    feed_forward,
    floats,
    integers,
    norm,
    residual,
    stack,
)


def encoder(draw: Draw) -> Model:
    """As BERT: embeddings of tokens and places, blocks, the class of the first token or none."""
    flops = budget(draw)
    first = draw_sizes(draw, flops)
    made = blocks(draw, flops, first, lambda sizes: transformer_block(draw, sizes))
    body, entry = stack(draw, first.width, made), norm(draw, first.width)
    embedded, masked, pooled = draw.flip(0.6), draw.flip(), draw.flip()
    words = embedding(draw, table(draw, first.width)[0], first.width)
    head = dense(draw, made[-1][0], draw.size(2, 1000))
    mask, change_by = padding(first.batch, first.length)
    shapes = {"entry": entry.shapes, "body": body.shapes}
    if embedded:
        shapes |= {"words": words.shapes, "places": floats(draw, first.length, first.width)}
    if pooled:
        shapes["head"] = head.shapes

    def apply(params: Any, x: Array, *more: Array) -> Any:
        if embedded:
            x = words.apply(params["words"], x) + params["places"]
        change = change_by(more[0]) if masked else None
        x = body.apply(params["body"], entry.apply(params["entry"], x), change)
        return head.apply(params["head"], jnp.tanh(x[:, 0])) if pooled else x

    tokens = (first.batch, first.length)
    source = integers(*tokens) if embedded else floats(draw, *tokens, first.width)
    return apply, (shapes, source, *([mask] if masked else []))


def gpt(draw: Draw) -> Model:
    """Causal, with learnt places and logits over a vocabulary."""
    flops = budget(draw)
    first = draw_sizes(draw, flops)
    made = blocks(draw, flops, first, lambda sizes: transformer_block(draw, sizes, gated=False))
    return _language_model(draw, first, made, places=True)


def llama(draw: Draw) -> Model:
    """Causal: root-mean-square norms, rotary places, gated units, grouped queries."""
    flops = budget(draw)
    first = draw_sizes(draw, flops, grouped=True)
    turn = rotary(draw)
    made = blocks(draw, flops, first, lambda s: transformer_block(draw, s, turn, "rms", True))
    return _language_model(draw, first, made, places=False)


def _language_model(draw: Draw, first: Sizes, made: list[tuple[int, Layer]], places: bool) -> Model:
    width, tokens = made[-1][0], first.batch * first.length
    only_last = draw.flip(0.4)
    body, final, change = stack(draw, first.width, made), norm(draw, width), causal(draw)
    words = embedding(draw, table(draw, first.width)[0], first.width)
    logits = 1 if only_last else first.length
    top = (HIGHEST_FLOPS / (2 * tokens * width), MOST_ELEMENTS / (first.batch * logits))
    vocabulary = at_most(draw, 16, 32_000, *top, MOST_ELEMENTS / width)
    head = dense(draw, width, vocabulary, bias=False)
    parts = {"words": words, "body": body, "final": final, "head": head}
    shapes = {name: part.shapes for name, part in parts.items()}
    if places:
        shapes["places"] = floats(draw, first.length, first.width)

    def apply(params: Any, tokens: Array) -> Any:
        x = words.apply(params["words"], tokens)
        if places:
            x = x + params["places"]
        x = body.apply(params["body"], x, change)
        x = final.apply(params["final"], x[:, -1] if only_last else x)
        return head.apply(params["head"], x)

    return apply, (shapes, integers(first.batch, first.length))


def cross_attention(draw: Draw) -> Model:
    """As the decoder of T5: itself with a bias by distance, the encoding, a feed-forward layer."""
    flops = budget(draw)
    first = draw_sizes(draw, flops, memory=True)
    distant = draw.flip(0.8)
    made = blocks(draw, flops, first, lambda sizes: _crossed_block(draw, sizes, distant))
    body = stack(draw, first.width, made)

    def apply(params: Any, x: Array, *memories: Array) -> Any:
        return body.apply(params, x, list(memories)[::-1])

    memories = [floats(draw, first.batch, first.memory, width) for width, _ in made]
    return apply, (body.shapes, floats(draw, first.batch, first.length, first.width), *memories)


def _crossed_block(draw: Draw, sizes: Sizes, distant: bool) -> Layer:
    """apply(params, x, memories): takes its own encoding off the end of `memories`."""
    own = Sizes(**{**vars(sizes), "memory": sizes.length})
    buckets, change = draw.one((8, 16, 32)), causal(draw)
    itself = residual(draw, sizes.width, attention(draw, own))
    other = residual(draw, sizes.width, attention(draw, sizes, crossed=True))
    after = residual(draw, sizes.width, feed_forward(draw, sizes.width, sizes.hidden))
    bias = floats(draw, buckets, sizes.heads)

    def apply(params: Any, x: Array, memories: list[Array]) -> Any:
        def near(scores: Array) -> Array:
            return change(scores + _by_distance(params["bias"], scores.shape[-1]))

        x = itself.apply(params["itself"], x, near if distant else change)
        x = other.apply(params["other"], x, None, memories.pop())
        return after.apply(params["after"], x)

    shapes = {"itself": itself.shapes, "other": other.shapes, "after": after.shapes}
    return Layer(shapes | ({"bias": bias} if distant else {}), apply)


def _by_distance(bias: Array, length: int) -> Array:
    """(heads, length, length): one number per head and bucket of the logarithm of the distance."""
    places = jnp.arange(length)
    away = jnp.abs(places[:, None] - places[None, :]).astype("float32")
    bucket = jnp.minimum(2 * jnp.log1p(away), bias.shape[0] - 1).astype("int32")
    return bias[bucket].transpose(2, 0, 1)
