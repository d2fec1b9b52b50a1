"""Rewards and values as distributions over bins.

A reward counts in moves' worth: 1 is the all-off-chip objective divided by the game's moves, so
that programs of any length and machine look alike. Rewards have long tails, so that the bins stand
at equal distances of

    h(x) = sign(x) (sqrt(|x| + 1) - 1) + e x         e = 0.001

(Pohlen et al. 2018, as in MuZero), and a number is shared by its two neighbours ("two-hot").
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Bins:
    """count: odd, so that one bin stands at 0. reach: of the last bin, in units of h."""

    count: int = 41
    reach: float = 10.0


def squash(x: ArrayLike) -> Array:
    """h."""
    x = jnp.asarray(x)
    return jnp.sign(x) * (jnp.sqrt(jnp.abs(x) + 1) - 1) + EPSILON * x


def stretch(y: Array) -> Array:
    """The inverse of h."""
    root = jnp.sqrt(1 + 4 * EPSILON * (jnp.abs(y) + 1 + EPSILON))
    return jnp.sign(y) * (((root - 1) / (2 * EPSILON)) ** 2 - 1)


def two_hot(x: ArrayLike, bins: Bins) -> Array:
    """x: float[...] to float[..., count], sums are 1; what lies beyond the last bin lands there."""
    at = (jnp.clip(squash(x), -bins.reach, bins.reach) + bins.reach) * _per_unit(bins)
    low = jnp.clip(jnp.floor(at), 0, bins.count - 2)
    high = (at - low)[..., None]
    where = low.astype(jnp.int32)
    return (1 - high) * jax.nn.one_hot(where, bins.count) + high * jax.nn.one_hot(
        where + 1, bins.count
    )


def expected(logits: Array, bins: Bins) -> Array:
    """logits: float[..., count] to float[...], the number they stand for."""
    stands = jnp.linspace(-bins.reach, bins.reach, bins.count)
    return stretch(jax.nn.softmax(logits) @ stands)


def _per_unit(bins: Bins) -> float:
    return (bins.count - 1) / (2 * bins.reach)
