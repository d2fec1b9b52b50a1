"""Messages along the edges of a graph."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    activation,
    dense,
    floats,
    integers,
    norm,
)


def graph(draw: Draw) -> Model:
    """One to three rounds of messages, each of its own kind and width; nodes or a sum of graphs."""
    flops = budget(draw)
    nodes, width = fit(
        flops,
        lambda: (draw.size(16, 8192), draw.size(8, 512, draw.one((1, 4, 8)))),
        lambda pair: (2 * pair[0] * pair[1] ** 2, 2 * pair[0] * pair[1]),
    )
    edges = draw.size(nodes, max(nodes + 1, min(16 * nodes, MOST_ELEMENTS // (4 * width))))
    top = min(MOST_ELEMENTS // edges, 512)
    widths, layers = [width], []
    for _ in range(draw.one((1, 2, 3))):
        outputs = draw.size(8, max(16, min(top, 2 * width)), draw.one((1, 4, 8)))
        make = draw.one((_convolution, _edge_network, _attention))
        layers.append(make(draw, widths[-1], outputs))
        widths.append(outputs)
    graphs, head = draw.size(1, 64), dense(draw, widths[-1], draw.size(1, 128))
    pooled = draw.flip()

    def apply(params: Any, x: Array, senders: Array, receivers: Array, *members: Array) -> Any:
        for layer, own in zip(layers, params["layers"], strict=True):
            x = layer.apply(own, x, senders, receivers)
        if pooled:
            x = jax.ops.segment_sum(x, members[0], graphs)
        return head.apply(params["head"], x)

    shapes = {"layers": [layer.shapes for layer in layers], "head": head.shapes}
    members = [integers(nodes)] if pooled else []
    return apply, (shapes, floats(draw, nodes, width), integers(edges), integers(edges), *members)


def _convolution(draw: Draw, inputs: int, outputs: int) -> Layer:
    """The mean or a normalised sum of the neighbours, a dense layer before or after."""
    joint, own = dense(draw, inputs, outputs), dense(draw, inputs, outputs)
    early, mean, kept = draw.flip(), draw.flip(), draw.flip()
    normed, act = norm(draw, outputs), activation(draw)

    def apply(params: Any, x: Array, senders: Array, receivers: Array) -> Any:
        nodes = x.shape[0]
        degree = jax.ops.segment_sum(jnp.ones(receivers.shape, x.dtype), receivers, nodes)
        y = joint.apply(params[0], x) if early else x
        messages = y[senders]
        if not mean:
            share = jax.lax.rsqrt(jnp.maximum(degree, 1))
            messages = messages * (share[senders] * share[receivers])[:, None]
        y = jax.ops.segment_sum(messages, receivers, nodes)
        if mean:
            y = y / jnp.maximum(degree, 1)[:, None]
        y = y if early else joint.apply(params[0], y)
        y = y + own.apply(params[1], x) if kept else y
        return act(normed.apply(params[2], y))

    return Layer((joint.shapes, own.shapes, normed.shapes), apply)


def _edge_network(draw: Draw, inputs: int, outputs: int) -> Layer:
    """A dense layer of both ends of every edge, its sum or maximum, a dense layer of the node."""
    message, update = dense(draw, 2 * inputs, outputs), dense(draw, inputs + outputs, outputs)
    act, other, largest = activation(draw), activation(draw), draw.flip(0.3)

    def apply(params: Any, x: Array, senders: Array, receivers: Array) -> Any:
        ends = jnp.concatenate([x[senders], x[receivers]], axis=-1)
        messages = act(message.apply(params[0], ends))
        gather = jax.ops.segment_max if largest else jax.ops.segment_sum
        y = gather(messages, receivers, x.shape[0])
        y = jnp.where(jnp.isfinite(y), y, 0) if largest else y
        return other(update.apply(params[1], jnp.concatenate([x, y], axis=-1)))

    return Layer((message.shapes, update.shapes), apply)


def _attention(draw: Draw, inputs: int, outputs: int) -> Layer:
    """One number per edge and head, a softmax over the edges into a node."""
    heads = draw.one([n for n in (1, 2, 4, 8) if outputs % n == 0])
    joint, act = dense(draw, inputs, outputs), activation(draw)
    each = outputs // heads
    ends = (floats(draw, heads, each), floats(draw, heads, each))

    def apply(params: Any, x: Array, senders: Array, receivers: Array) -> Any:
        nodes = x.shape[0]
        y = joint.apply(params[0], x).reshape(nodes, heads, each)
        sent, received = ((y * one).sum(-1) for one in params[1])
        scores = sent[senders] + received[receivers]
        scores = jnp.where(scores > 0, scores, 0.2 * scores)
        weights = jnp.exp(scores - jax.ops.segment_max(scores, receivers, nodes)[receivers])
        total = jax.ops.segment_sum(weights, receivers, nodes)
        weights = weights / (total[receivers] + 1e-6)
        y = jax.ops.segment_sum(y[senders] * weights[..., None], receivers, nodes)
        return act(y.reshape(nodes, outputs))

    return Layer((joint.shapes, ends), apply)
