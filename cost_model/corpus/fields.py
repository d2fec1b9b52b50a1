"""Networks of coordinates: sines and cosines of points, then a deep perceptron."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import HIGHEST_FLOPS, at_most, budget
from cosmalloc.cost_model.corpus.sequence_layers import activation, dense, floats, pointwise
from cosmalloc.cost_model.corpus.tabular import perceptron, rows_and_width


def nerf(draw: Draw) -> Model:
    """Density and colour of points seen from directions; the encoding comes in again midway."""
    flops = budget(draw)
    rows, _ = rows_and_width(draw, flops)
    places, views = draw.size(2, 12), draw.size(1, 6)
    encoded, seen = 3 + 6 * places, 3 + 6 * views
    lower, first = perceptron(draw, flops, rows, encoded, draw.one((1, 2, 3)))
    again = draw.flip(0.7)
    upper, second = perceptron(draw, flops, rows, lower + encoded * again, draw.one((1, 2, 3)))
    limit = HIGHEST_FLOPS / (2 * rows * upper)
    half, sines = at_most(draw, 8, max(8, upper // 2), limit), draw.flip()
    density, feature = dense(draw, upper, 1), dense(draw, upper, half)
    colour, act = dense(draw, half + seen, 3), pointwise(activation(draw))
    parts = (first, second, density, feature, colour)

    def apply(params: Any, points: Array, directions: Array) -> Any:
        x = _waves(points, places, sines)
        y = first.apply(params[0], x)
        y = second.apply(params[1], jnp.concatenate([y, x], axis=-1) if again else y)
        thick = act.apply((), density.apply(params[2], y))
        z = jnp.concatenate([feature.apply(params[3], y), _waves(directions, views, sines)], -1)
        return jnp.concatenate([1 / (1 + jnp.exp(-colour.apply(params[4], z))), thick], axis=-1)

    points = floats(draw, rows, 3)
    return apply, (tuple(part.shapes for part in parts), points, points)


def _waves(points: Array, count: int, together: bool) -> Array:
    """The points, and sines and cosines of their multiples by powers of two.

    together: as one sine of both phases, not as a sine and a cosine.
    """
    rates = 2.0 ** jnp.arange(count, dtype=points.dtype)
    angles = (points[..., None, :] * rates[:, None]).reshape(points.shape[0], -1)
    if together:
        phases = jnp.stack([angles, angles + jnp.pi / 2], axis=-1)
        return jnp.concatenate([points, jnp.sin(phases).reshape(points.shape[0], -1)], axis=-1)
    return jnp.concatenate([points, jnp.sin(angles), jnp.cos(angles)], axis=-1)
