"""Perceptrons whose places meet in a gate only."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.attention_layer import Sizes, attention, table
from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, at_most, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    activation,
    dense,
    embedding,
    floats,
    integers,
    norm,
    residual,
    stack,
)

Shape = tuple[int, int, int, int]  # batch, length, width, hidden units (half of them gate)


def gmlp(draw: Draw) -> Model:
    """One to three blocks over tokens or patches; scores of every place or of the mean (Liu,
    2021)."""
    flops, whole = budget(draw), draw.one((1, 1, 8))

    def block(first: tuple[int, int] | None) -> Shape:
        def sample() -> Shape:
            wide = draw.one((1, 4, 8, 16))
            tokens = first or (draw.size(1, 64), draw.size(4, 1024, whole))
            return (*tokens, draw.size(16, 768, wide), draw.size(32, 3072, 2 * wide))

        return fit(flops, sample, _cost)

    drawn = [block(None)]
    batch, length, width, _ = drawn[0]
    drawn += [block((batch, length)) for _ in range(draw.one(range(3)))]
    causal, tiny = draw.flip(0.3), draw.flip(0.3)
    made = [(own[2], residual(draw, own[2], _gating(draw, own, causal, tiny))) for own in drawn]
    outputs, body, text = made[-1][0], stack(draw, width, made), draw.flip()
    each = text and draw.flip(0.7)  # scores of every place, not of their mean
    classes = at_most(draw, 2, 1000, MOST_ELEMENTS / (batch * length) if each else MOST_ELEMENTS)
    final, head = norm(draw, outputs), dense(draw, outputs, classes)
    entries, _ = table(draw, width)
    parts = {"body": body, "final": final, "head": head}
    if text:
        parts["words"] = embedding(draw, entries, width)

    def apply(params: Any, x: Array) -> Any:
        x = parts["words"].apply(params["words"], x) if text else x
        x = final.apply(params["final"], body.apply(params["body"], x))
        return head.apply(params["head"], x if each else x.mean(1))

    given = integers(batch, length) if text else floats(draw, batch, length, width)
    return apply, ({name: part.shapes for name, part in parts.items()}, given)


def _cost(shape: Shape) -> tuple[float, float]:
    batch, length, width, hidden = shape
    products = batch * length * hidden * max(width, length // 2)
    return 2 * products, max(batch * length * max(width, hidden), width * hidden)


def _gating(draw: Draw, shape: Shape, causal: bool, tiny: bool) -> Layer:
    """Up, an activation; one half times (a product over the places of the other half); down.

    causal: a place sees earlier ones only. tiny: one head of attention adds to the gate.
    """
    batch, length, width, hidden = shape
    half, act, turned = hidden // 2, activation(draw), draw.flip()
    parts = {
        "up": dense(draw, width, 2 * half),
        "norm": norm(draw, half),
        "down": dense(draw, half, width),
    }
    if tiny:
        head = draw.one((16, 32, 64))
        sizes = Sizes(batch, length, length, width, hidden, 1, 1, head)
        parts["tiny"] = attention(draw, sizes, outputs=half)
    shapes = {name: part.shapes for name, part in parts.items()}
    shapes |= {"places": floats(draw, length, length), "shift": floats(draw, length)}

    def apply(params: Any, x: Array) -> Any:
        kept, gate = jnp.split(act(parts["up"].apply(params["up"], x)), 2, axis=-1)
        gate = parts["norm"].apply(params["norm"], gate)
        places = jnp.tril(params["places"]) if causal else params["places"]
        if turned:
            gate = (gate.swapaxes(1, 2) @ places.T + params["shift"]).swapaxes(1, 2)
        else:
            gate = jnp.einsum("ij,bjd->bid", places, gate) + params["shift"][:, None]
        gate = gate + parts["tiny"].apply(params["tiny"], x) if tiny else gate
        return parts["down"].apply(params["down"], kept * gate)

    return Layer(shapes, apply)
