"""Operations that move elements: transposes, slices, pads, concatenations, gathers."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw

LARGEST = 6_000_000  # elements of a result


def move(draw: Draw, x: Array, alike: list[Array]) -> Array:
    """A random movement of `x`. alike: tensors of its shape, `x` among them."""
    if not x.ndim:
        return jnp.broadcast_to(x, (draw.size(2, 4096),))
    if draw.flip(0.2):
        parts = [x, *(draw.one(alike) for _ in range(draw.one((1, 1, 2))))]
        if x.size * len(parts) < LARGEST:
            axis = draw.one(range(x.ndim))
            joined: Callable[..., Array] = jnp.concatenate if draw.flip(0.8) else jnp.stack
            return joined(parts, axis=axis)
    return draw.one(MOVEMENTS)(draw, x)


def _transpose(draw: Draw, x: Array) -> Array:
    return x.transpose([int(i) for i in draw.generator.permutation(x.ndim)])


def _slice(draw: Draw, x: Array) -> Array:
    """Some of the dimensions cut, now and then with a stride."""
    starts, stops, strides = [], [], []
    for n in x.shape:
        whole = draw.flip(0.4)
        start = 0 if whole else int(draw.generator.integers(n // 2 + 1))
        stops.append(n if whole else int(draw.generator.integers(start, n)) + 1)
        starts.append(start)
        strides.append(draw.one((1, 1, 1, 2, 3)))
    return jax.lax.slice(x, starts, stops, strides)


def _pad(draw: Draw, x: Array) -> Array:
    """Zeros before, after and now and then between."""
    config = [(draw.one(range(4)), draw.one(range(4)), draw.one((0, 0, 0, 1))) for _ in x.shape]
    y = jax.eval_shape(lambda z: jax.lax.pad(z, jnp.zeros((), z.dtype), config), x)
    return jax.lax.pad(x, jnp.zeros((), x.dtype), config) if y.size < LARGEST else x[..., :1]


def _reshape(draw: Draw, x: Array) -> Array:
    """Two neighbours made one, or one made two, then their order changed."""
    shape = list(x.shape)
    i = draw.one(range(len(shape)))
    divisors = [d for d in (2, 3, 4, 7, 8, 16, 32, 64) if shape[i] % d == 0]
    if len(shape) > 1 and (draw.flip() or not divisors):
        i = min(i, len(shape) - 2)
        return x.reshape(*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :])
    if not divisors:
        return x[::-1]
    d = draw.one(divisors)
    return x.reshape(*shape[:i], d, shape[i] // d, *shape[i + 1 :]).swapaxes(
        i, draw.one((i, i + 1))
    )


def _broadcast(draw: Draw, x: Array) -> Array:
    """A new dimension somewhere, or ones stretched."""
    n, i = draw.size(2, 64), draw.one(range(x.ndim + 1))
    if x.size * n > LARGEST:
        return jnp.flip(x, 0)
    return jnp.broadcast_to(jnp.expand_dims(x, i), (*x.shape[:i], n, *x.shape[i:]))


def _reverse(draw: Draw, x: Array) -> Array:
    return jnp.flip(x, draw.one(range(x.ndim)))


def _roll(draw: Draw, x: Array) -> Array:
    axis = draw.one(range(x.ndim))
    return jnp.roll(x, draw.size(1, max(2, x.shape[axis])), axis)


def _triangle(draw: Draw, x: Array) -> Array:
    return (draw.one((jnp.tril, jnp.triu))(x)) if x.ndim > 1 else x[::2]


def _gather(draw: Draw, x: Array) -> Array:
    """Rows in a computed order."""
    axis = draw.one(range(x.ndim))
    n, step = x.shape[axis], draw.one((1, 3, 7))
    count = draw.size(1, max(2, n))
    return jnp.take(x, jnp.arange(count) * step % n, axis=axis)


def _windows(draw: Draw, x: Array) -> Array:
    """The largest or the sum of some neighbours."""
    size = [min(draw.one((1, 1, 2, 3)), n) for n in x.shape]
    step = [draw.one((1, 1, 2)) if n > 1 else 1 for n in size]
    by_largest = draw.flip()
    first, join = (-jnp.inf, jax.lax.max) if by_largest else (0.0, jax.lax.add)
    y: Array = jax.lax.reduce_window(x, first, join, size, step, draw.one(("SAME", "VALID")))
    return y


def _update(draw: Draw, x: Array) -> Array:
    """A corner written anew."""
    corner = x[tuple(slice(0, max(1, n // 2)) for n in x.shape)] * 2
    start = [n // draw.one((2, 4)) for n in x.shape]
    return jax.lax.dynamic_update_slice(x, corner, start)


def _sort(draw: Draw, x: Array) -> Array:
    return jnp.sort(x, axis=draw.one(range(x.ndim))) if x.size < 1 << 16 else jnp.flip(x, -1)


MOVEMENTS: tuple[Callable[[Draw, Array], Array], ...] = (
    _transpose,
    _transpose,
    _transpose,
    _slice,
    _slice,
    _slice,
    _pad,
    _pad,
    _reshape,
    _reshape,
    _broadcast,
    _reverse,
    _roll,
    _triangle,
    _gather,
    _windows,
    _update,
    _sort,
)
