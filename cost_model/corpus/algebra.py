"""Products of tensors with any dimension numbers."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import Function, activation, floats

KINDS = ("matrix", "matrix", "batched", "batched", "vector", "outer", "any", "any")


def linear_algebra(draw: Draw) -> Model:
    """Three to eight products, each of its own sizes and layouts, some with an epilogue."""
    products = [_Product(draw) for _ in range(draw.one(range(3, 9)))]

    def apply(params: Any, *right: Array) -> Any:
        pairs = zip(products, params, right, strict=True)
        return [product.apply(a, b) for product, a, b in pairs]

    left = [floats(draw, *product.shapes[0]) for product in products]
    return apply, (left, *(floats(draw, *product.shapes[1]) for product in products))


class _Product:
    """`einsum` of two operands; letters: batch a-b, left i-j, right m-n, contracted x-y."""

    def __init__(self, draw: Draw) -> None:
        counts = _counts(draw, draw.one(KINDS))
        groups = [names[:n] for names, n in zip(("ab", "ij", "mn", "xy"), counts, strict=True)]
        batch, left, right, summed = groups
        self.terms = [_shuffled(draw, t) for t in (batch + left + summed, batch + right + summed)]
        self.result = _shuffled(draw, batch + left + right)
        whole = batch + left + right + summed
        sizes = _sizes(draw, whole, [*self.terms, self.result])
        self.shapes = [tuple(sizes[c] for c in term) for term in self.terms]
        self.epilogue = _epilogue(draw)
        self.wide = draw.flip(0.2)

    def apply(self, a: Array, b: Array) -> Array:
        accumulated = jnp.float32 if self.wide else None
        formula = f"{','.join(self.terms)}->{self.result}"
        return self.epilogue(jnp.einsum(formula, a, b, preferred_element_type=accumulated))


def _counts(draw: Draw, kind: str) -> tuple[int, int, int, int]:
    """How many batch, left, right and contracted dimensions."""
    if kind == "any":
        some = (0, 1, 1, 2)
        return draw.one(some), draw.one(some), draw.one((1, 1, 2)), draw.one(some)
    fixed = {"matrix": (0, 1, 1, 1), "batched": (1, 1, 1, 1), "vector": (0, 1, 0, 1)}
    return fixed.get(kind, (0, 1, 1, 0))


def _shuffled(draw: Draw, letters: str) -> str:
    """In order, or in any other."""
    if draw.flip():
        return letters
    return "".join(letters[i] for i in draw.generator.permutation(len(letters)))


def _sizes(draw: Draw, letters: str, terms: list[str]) -> dict[str, int]:
    multiple = draw.one((1, 1, 8, 16))

    def sample() -> dict[str, int]:
        return {c: draw.size(2, 64 if c in "ab" else 2048, multiple) for c in letters}

    def cost(sizes: dict[str, int]) -> tuple[float, float]:
        tensors = [prod(sizes[c] for c in term) for term in terms]
        return 2 * prod(sizes.values()), max(tensors)

    return fit(budget(draw), sample, cost)


def _epilogue(draw: Draw) -> Function:
    act = activation(draw)
    kinds: tuple[Function, ...] = (
        lambda x: x,
        lambda x: x,
        act,
        lambda x: jnp.maximum(x, 0) * 0.5,
        lambda x: x + 1.0,
        lambda x: x.sum(0) if x.ndim else x,
        lambda x: jax.nn.softmax(x, axis=-1) if x.ndim else x,
        lambda x: x.T,
    )
    return draw.one(kinds)
