"""What exporters leave in a program though it changes nothing, or hangs on constants alone.

Every part takes a tensor and gives one of its shape and dtype. `NOTHING` gives the same values back
(a normalisation to within its epsilon); `CONSTANT` joins it with something made of constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cosmalloc.cost_model.corpus.draw import Draw

Part: TypeAlias = "Callable[[Array], Array]"
Maker: TypeAlias = "Callable[[Draw], Part]"


def idle(draw: Draw) -> Part:
    """Any of the parts, each equally likely; now and then two."""
    parts = [draw.one((*NOTHING, *CONSTANT))(draw) for _ in range(draw.one((1, 1, 1, 2)))]

    def apply(x: Array) -> Array:
        for part in parts:
            x = part(x)
        return x

    return apply


def _filled(draw: Draw) -> Callable[[Array, float], Array]:
    """A number as it is written: a scalar, a vector over the last axis, or as large as x."""
    how = draw.one(("scalar", "vector", "whole"))

    def fill(x: Array, value: float) -> Array:
        shape = {"scalar": (), "vector": x.shape[-1:], "whole": x.shape}[how]
        return jnp.asarray(np.full(shape, value, x.dtype))

    return fill


def _neutral(draw: Draw) -> Part:
    """x + 0, x - 0, x * 1, x / 1, x to the power of 1."""
    fill, how = _filled(draw), draw.one(range(5))
    functions = (jnp.add, jnp.subtract, jnp.multiply, jnp.divide, jnp.power)
    return lambda x: functions[how](x, fill(x, 0.0 if how < 2 else 1.0))


def _limits(draw: Draw) -> Part:
    """The larger of x and minus infinity, the smaller of x and infinity, or both."""
    kind, far = draw.one(("low", "high", "both")), draw.one((np.inf, 3e38))

    def apply(x: Array) -> Array:
        x = jnp.minimum(x, far) if kind != "low" else x
        return jnp.maximum(x, -far) if kind != "high" else x

    return apply


def _statistics(draw: Draw) -> Part:
    """A normalisation with mean 0, variance 1, scale 1 and shift 0."""
    epsilon, fill, root = draw.one((1e-5, 1e-3)), _filled(draw), draw.flip()

    def apply(x: Array) -> Array:
        spread = fill(x, 1.0) + epsilon
        x = (
            (x - fill(x, 0.0)) / jnp.sqrt(spread)
            if root
            else (x - fill(x, 0.0)) * lax.rsqrt(spread)
        )
        return x * fill(x, 1.0) + fill(x, 0.0)

    return apply


def _affine(draw: Draw) -> Part:
    """The scale and the shift of a normalisation, 1 and 0."""
    fill = _filled(draw)
    return lambda x: x * fill(x, 1.0) + fill(x, 0.0)


def _dropout(draw: Draw) -> Part:
    """At rate 0: what is kept over 1, where the mask of ones says so."""
    masked = draw.flip()

    def apply(x: Array) -> Array:
        kept = x / jnp.asarray(1.0 - 0.0, x.dtype)
        return jnp.where(jnp.ones(x.shape, bool), kept, 0) if masked else kept

    return apply


def _mask(draw: Draw) -> Part:
    """Ones as a factor; or (1 - 1) * far, added; or a choice that is always the same."""
    how, across = draw.one(("factor", "added", "chosen", "place")), draw.flip()

    def apply(x: Array) -> Array:
        shape = x.shape[-1:] if across else x.shape
        ones = jnp.ones(shape, x.dtype)
        if how == "factor":
            return x * ones
        if how == "added":
            return x + (1 - ones) * -1e9
        if how == "chosen":
            return jnp.where(ones > 0, x, jnp.asarray(-1e9, x.dtype))
        places = lax.broadcasted_iota("int32", x.shape, x.ndim - 1)
        return jnp.where(places < x.shape[-1], x, 0)

    return apply


def _there_and_back(draw: Draw) -> Part:
    """Turned, flipped, negated, converted or reshaped twice."""
    kinds: tuple[Part, ...] = (
        lambda x: jnp.swapaxes(jnp.swapaxes(x, -1, -2), -1, -2),
        lambda x: jnp.flip(jnp.flip(x, -1), -1),
        lambda x: jnp.negative(jnp.negative(x)),
        lambda x: x.reshape(-1).reshape(x.shape),
        lambda x: (x.astype("float32") * 1).astype(x.dtype),
        lambda x: lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0)] * x.ndim),
    )
    return draw.one(kinds)


def _waves(draw: Draw) -> Part:
    """A table of sines and cosines of places, computed from an iota, added."""
    base, apart = draw.one((1e4, 1e3)), draw.flip()

    def apply(x: Array) -> Array:
        length, width = x.shape[-2:]
        places = jnp.arange(length, dtype="float32")[:, None]
        rates = jnp.exp(jnp.arange(-(-width // 2), dtype="float32") * (-2 * np.log(base) / width))
        angles = places * rates
        waves = (jnp.sin(angles), jnp.cos(angles))
        joined = jnp.concatenate(waves, -1) if apart else jnp.stack(waves, -1).reshape(length, -1)
        return x + joined[:, :width].astype(x.dtype)

    return apply


def _even_shares(draw: Draw) -> Part:
    """A softmax of zeros as weights: of the features, or of the places around a mean."""
    places = draw.flip()

    def apply(x: Array) -> Array:
        shares = jax.nn.softmax(jnp.zeros(x.shape[-2 if places else -1], x.dtype))
        if not places:
            return x * (shares * x.shape[-1])
        return x - jnp.einsum("...lw,l->...w", x, shares)[..., None, :]

    return apply


def _slopes(draw: Draw) -> Part:
    """A bias by distance, or a triangle of ones, made of constants, added or as factors."""
    triangle, decay = draw.flip(), draw.one((0.5, 0.1, 0.01))

    def apply(x: Array) -> Array:
        rows, columns = (lax.broadcasted_iota("int32", x.shape[-2:], axis) for axis in (0, 1))
        if triangle:
            seen = jnp.tril(jnp.ones(x.shape[-2:], x.dtype), x.shape[-1])
            return x * seen
        return x - decay * jnp.abs(rows - columns).astype(x.dtype)

    return apply


def _shift(draw: Draw) -> Part:
    """A number that has to be worked out first: means, roots and logarithms of constants."""
    kinds: tuple[Part, ...] = (
        lambda x: x + jnp.log(jnp.ones(x.shape[-1:], x.dtype)),
        lambda x: x * jnp.exp(jnp.zeros(x.shape[-1:], x.dtype)),
        lambda x: x + jnp.mean(jnp.zeros(x.shape[-2:], x.dtype), axis=0),
        lambda x: x * jnp.tanh(jnp.linspace(0.5, 2, x.shape[-1], dtype=x.dtype)),
        lambda x: x / jnp.sqrt(jnp.full(x.shape[-1:], x.shape[-1], x.dtype)),
        lambda x: x + jnp.cumsum(jnp.full(x.shape[-2:], 1e-3, x.dtype), axis=0),
    )
    return draw.one(kinds)


NOTHING: tuple[Maker, ...] = (
    *(_neutral, _neutral, _limits, _statistics, _affine, _dropout, _mask, _mask),
    _there_and_back,
)
CONSTANT: tuple[Maker, ...] = (_waves, _even_shares, _slopes, _shift, _shift)
