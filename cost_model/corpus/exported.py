"""Blocks as exporters write them: constants as large as what they meet, functions spelled out as
polynomials, layouts turned by transposes and reshapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, budget, fit
from cosmalloc.cost_model.corpus.sequence_layers import Layer, dense, floats

_TERMS = (0.42184633, -0.2741127, 0.5641895, 0.11283585, -0.00518832, 0.0002198, -1.53e-05)


def exported(draw: Draw) -> Model:
    """One to three blocks of a product, a function spelled out, a norm, and a turned layout."""
    flops = budget(draw, high=3 * 10**8)
    batch, length, width, hidden = fit(
        flops,
        lambda: (
            draw.size(1, 16),
            draw.size(1, 512),
            draw.size(8, 1024, draw.one((1, 8, 16))),
            draw.size(8, 3072, draw.one((1, 8, 16))),
        ),
        lambda s: (2 * s[0] * s[1] * s[2] * s[3], max(s[0] * s[1] * max(s[2:]), s[2] * s[3])),
    )
    made = [_block(draw, width, hidden) for _ in range(draw.one((1, 2, 3)))]

    def apply(params: Sequence[Any], x: Array) -> Any:
        for layer, own in zip(made, params, strict=True):
            x = layer.apply(own, x)
        return x

    return apply, ([layer.shapes for layer in made], floats(draw, batch, length, width))


def _block(draw: Draw, width: int, hidden: int) -> Layer:
    up, down, number = dense(draw, width, hidden), dense(draw, hidden, width), _numbers(draw)
    spelled, turned = draw.one((_rational, _series, _erfc, _clipped))(draw), draw.flip()
    normed = draw.flip(0.7)

    def apply(params: Any, x: Array) -> Any:
        inner = spelled(up.apply(params["up"], x), number)
        if turned and inner.size <= MOST_ELEMENTS:
            inner = _there_and_back(inner, number)
        y = x + down.apply(params["down"], inner)
        return _standard(y, number) if normed else y

    return Layer({"up": up.shapes, "down": down.shapes}, apply)


Number = Callable[[float, Array], Array]


def _numbers(draw: Draw) -> Number:
    """How constants are written: as scalars, or as tensors of one value."""
    whole = draw.flip(0.7)

    def number(value: float, like: Array) -> Any:
        return np.full(like.shape, value, like.dtype) if whole else jnp.asarray(value, like.dtype)

    return number


def _rational(draw: Draw) -> Callable[[Array, Number], Array]:
    """x / 2 (1 + p(x) / q(x)), p odd and q even: how the error function is often spelled."""
    upper, lower = draw.one((2, 3, 5, 7)), draw.one((2, 3, 5))

    def apply(x: Array, number: Number) -> Array:
        z = jnp.clip(x * number(0.70710678, x), -4, 4)
        square = z * z
        p = z * _polynomial(square, _TERMS[:upper], number)
        ratio = p / _polynomial(square, _TERMS[:lower], number)
        return jnp.multiply(x * number(0.5, x), ratio + 1)

    return apply


def _series(draw: Draw) -> Callable[[Array, Number], Array]:
    """x times a sigmoid's polynomial, two cases chosen by size."""
    terms = draw.one((3, 5, 7))

    def apply(x: Array, number: Number) -> Array:
        near = _polynomial(x, _TERMS[:terms], number)
        far = jnp.exp(-jnp.abs(x)) * number(1.5, x)
        return x * jnp.where(jnp.abs(x) < number(1.0, x), near, far)

    return apply


def _erfc(draw: Draw) -> Callable[[Array, Number], Array]:
    """The exact unit by the complementary error function, or by the error function."""
    complement = draw.flip()

    def apply(x: Array, number: Number) -> Array:
        if complement:
            twice = jax.lax.erfc(-x * number(0.70710678, x))
        else:
            twice = jax.lax.erf(x / number(1.41421356, x)) + number(1.0, x)
        return jnp.multiply(x * number(0.5, x), twice)

    return apply


def _clipped(draw: Draw) -> Callable[[Array, Number], Array]:
    """x min(max(x / 6 + 1 / 2, 0), 1) and the like, by divisors of many values."""
    divisor = draw.one((2.0, 3.0, 4.0, 6.0, 8.0, 9.0))

    def apply(x: Array, number: Number) -> Array:
        gate = (x + number(3.0, x)) / number(divisor, x)
        gate = jnp.clip(gate, number(0.0, x), number(1.0, x))
        return jnp.multiply(x, gate)

    return apply


def _polynomial(x: Array, terms: Sequence[float], number: Number) -> Array:
    total = x * number(terms[0], x) + number(terms[-1], x)
    for term in terms[1:]:
        total = total * x + number(term, x)
    return total


def _there_and_back(x: Array, number: Number) -> Array:
    """Channels first, something elementwise, channels last again."""
    turned = x.transpose(0, 2, 1)
    turned = turned.reshape(*turned.shape, 1) * number(1.25, turned[..., None])
    return turned.reshape(turned.shape[:3]).transpose(0, 2, 1)


def _standard(x: Array, number: Number) -> Array:
    """Mean and variance as sums divided by a constant; a power instead of a root."""
    count = x.shape[-1]
    total = x.sum(-1, keepdims=True)
    centred = x - total / number(count, total)
    variance = jnp.square(centred).sum(-1, keepdims=True)
    variance = variance / number(count, variance) + number(1e-5, variance)
    standard: Array = centred / jnp.power(variance, number(0.5, variance))
    return standard
