"""What the operator functions share: numpy for known values, JAX for traced ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.onnx.graph import Handler, Node, Value

HANDLERS: dict[str, Handler] = {}
SMALL = 65_536  # elements of a known value that is computed here and not by the program


def op(*names: str) -> Callable[[Handler], Handler]:
    """Registers what one ONNX operator does."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


def known(*values: Value) -> bool:
    """Whether all are numbers."""
    return all(value is None or isinstance(value, np.ndarray) for value in values)


def names(*values: Value) -> Any:
    """numpy where every value is known and the result small, else `jax.numpy`."""
    small = all(value is None or np.size(value) <= SMALL for value in values)
    return np if known(*values) and small else jnp


def array(value: Any, like: Value) -> Any:
    """A number of the element type of `like`, of numpy."""
    return np.asarray(value, like.dtype)


def axis_of(node: Node, axis: int, rank: int) -> int:
    """A dimension counted from the front. Raises InputError."""
    if not -rank <= axis < max(rank, 1):
        raise node.fault(f"has the axis {axis}, its operand {rank} dimensions")
    return axis % rank if rank else 0


def axes_of(node: Node, axes: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(axis_of(node, axis, rank) for axis in axes)


def take(x: Value, indices: Value, axis: int) -> Value:
    """x[..., indices, ...] along `axis`; indices in [0, size)."""
    if known(x, indices):
        return np.take(x, indices, axis)
    indices = jnp.asarray(indices)
    rank, more = x.ndim, indices.ndim
    offset = (*range(axis), *range(axis + more, rank - 1 + more))
    numbers = lax.GatherDimensionNumbers(
        offset_dims=offset, collapsed_slice_dims=(axis,), start_index_map=(axis,)
    )
    sizes = tuple(1 if d == axis else x.shape[d] for d in range(rank))
    return lax.gather(
        x, indices[..., None], numbers, sizes, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS
    )


def from_front(indices: Value, size: int) -> Value:
    """Indices that may count from behind, as ones that do not."""
    xp = names(indices)
    return xp.where(indices < 0, indices + array(size, indices), indices)


def checked_shape(node: Node, shape: Sequence[int]) -> tuple[int, ...]:
    """Raises InputError for a size below 0 or one that no machine has."""
    if any(size < 0 for size in shape) or prod(shape) > 2**40:
        raise node.fault(f"makes the shape {list(shape)}, which can't be")
    return tuple(int(size) for size in shape)
