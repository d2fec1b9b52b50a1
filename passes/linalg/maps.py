"""Affine maps of linalg operations: which places of an operand an iteration touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Op, Value


@dataclass(frozen=True, slots=True)
class Linear:
    """sum of factor * dimension, + constant."""

    factors: tuple[tuple[int, int], ...]  # (dimension, factor)
    constant: int = 0

    @property
    def dimension(self) -> int | None:
        """The dimension, where it stands alone."""
        alone = len(self.factors) == 1 and self.factors[0][1] == 1 and self.constant == 0
        return self.factors[0][0] if alone else None


Map = tuple[Linear, ...]


def map_of(attribute: Any, op: Op) -> Map:
    """The results of an affine map. Raises InputError for one that is not linear."""
    from torch_mlir import ir

    return tuple(_linear(each, op) for each in ir.AffineMapAttr(attribute).value.results)


def _linear(expression: Any, op: Op) -> Linear:
    from torch_mlir import ir

    if isinstance(expression, ir.AffineDimExpr):
        return Linear(((ir.AffineDimExpr(expression).position, 1),))
    if isinstance(expression, ir.AffineConstantExpr):
        return Linear((), ir.AffineConstantExpr(expression).value)
    if isinstance(expression, ir.AffineAddExpr):
        both = ir.AffineAddExpr(expression)
        left, right = _linear(both.lhs, op), _linear(both.rhs, op)
        sums = dict(left.factors)
        for dimension, factor in right.factors:
            sums[dimension] = sums.get(dimension, 0) + factor
        return Linear(tuple(sorted(sums.items())), left.constant + right.constant)
    if isinstance(expression, ir.AffineMulExpr):
        both = ir.AffineMulExpr(expression)
        left, right = _linear(both.lhs, op), _linear(both.rhs, op)
        if right.factors:
            left, right = right, left
        if not right.factors:
            by = right.constant
            return Linear(tuple((d, f * by) for d, f in left.factors), left.constant * by)
    raise op.fault(f"has the map `{expression}`, which is not linear")


def sizes_of(maps: Sequence[Map], values: Sequence[Value], count: int, op: Op) -> list[int]:
    """Iterations per dimension, from the operands that a dimension indexes alone."""
    found: dict[int, int] = {}
    for each, value in zip(maps, values, strict=True):
        for linear, size in zip(each, np.shape(value), strict=True):
            if linear.dimension is not None:
                found.setdefault(linear.dimension, size)
    if len(found) != count:
        raise op.fault("has a dimension that no operand names alone")
    return [found[d] for d in range(count)]


def pure(each: Map) -> list[int] | None:
    """The dimensions of a map whose results are single, different dimensions."""
    found = [linear.dimension for linear in each]
    known = [d for d in found if d is not None]
    return known if len(known) == len(found) == len(set(known)) else None


def spread(value: Value, each: Map, sizes: Sequence[int]) -> Value:
    """An operand over the whole iteration space."""
    value = lay(value)
    axes = [linear.dimension for linear in each]
    unit = [
        linear == Linear(()) and size == 1 for linear, size in zip(each, value.shape, strict=True)
    ]
    named = [d for d, one in zip(axes, unit, strict=True) if not one]
    if None not in named and len(set(named)) == len(named):
        value = value.reshape([n for n, one in zip(value.shape, unit, strict=True) if not one])
        order = [int(i) for i in np.argsort(np.array(named, np.int64))]
        if order != sorted(order):
            value = jnp.transpose(value, order)
        if len(named) == len(sizes):
            return value
        return lax.broadcast_in_dim(
            value, tuple(sizes), tuple(sorted(d for d in named if d is not None))
        )
    return value[tuple(_indices(linear, sizes) for linear in each)]


def _indices(linear: Linear, sizes: Sequence[int]) -> Value:
    total: Any = lax.full(tuple(sizes), linear.constant, np.int32)
    for dimension, factor in linear.factors:
        total = total + lax.broadcasted_iota(np.int32, tuple(sizes), dimension) * np.int32(factor)
    return total


def lay(value: Value) -> Value:
    """A JAX array; what is one number everywhere becomes a broadcast, not a constant."""
    if isinstance(value, np.ndarray) and value.size > 1 and not any(value.strides):
        return jnp.full(value.shape, value.flat[0], value.dtype)
    return jnp.asarray(value)


def back(value: Value, each: Map, kept: Sequence[int], op: Op) -> Value:
    """Dimensions `kept` of the iteration space, in the order of an output's map."""
    order = pure(each)
    if order is None or sorted(order) != sorted(kept):
        raise op.fault("writes its result through a map that this reader does not know")
    places = [list(kept).index(d) for d in order]
    return value if places == sorted(places) else jnp.transpose(value, places)
