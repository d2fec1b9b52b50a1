"""Logarithms of sizes, and where in memory elements lie one after another."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2, prod

from jaxlib.mlir.dialects import stablehlo

from cosmalloc.passes.rules.rule import Node

DIMENSIONS = 5  # the last ones of a shape


def size(value: float) -> float:
    """log2(1 + value), about 0 to 1 for what fits a kernel: 0 for none, 1 for 2^16."""
    return log2(1 + max(value, 0)) / 16


def dimensions(shape: Sequence[int]) -> list[float]:
    """Sizes of the last dimensions that have more than one place, the minor one first; 0 where
    there is none."""
    last = [size(extent) for extent in reversed(shape) if extent > 1][:DIMENSIONS]
    return last + [0.0] * (DIMENSIONS - len(last))


def lanes(shape: Sequence[int]) -> list[float]:
    """Whether the minor dimension fills vectors of 4, 16 and 64 elements."""
    extent = shape[minor(shape)] if shape else 1
    return [float(extent % width == 0) for width in (4, 16, 64)]


def minor(shape: Sequence[int]) -> int:
    """The last dimension with more than one place; the last one if none has, -1 of a scalar."""
    return next((d for d in reversed(range(len(shape))) if shape[d] > 1), len(shape) - 1)


def run_of_same(shape: Sequence[int], same: Sequence[bool]) -> int:
    """Elements that lie together: the product of the minor dimensions for which `same` holds.
    Dimensions of one place don't matter."""
    count = 1
    for extent, kept in zip(reversed(shape), reversed(same), strict=True):
        if not kept and extent > 1:
            break
        count *= extent
    return count


def strides(shape: Sequence[int]) -> list[int]:
    """Row-major strides in elements."""
    return [prod(shape[index + 1 :]) for index in range(len(shape))]


def product_sizes(node: Node) -> tuple[int, int, int, int]:
    """Batch, rows, columns, contracted elements of a `dot_general`."""
    numbers = stablehlo.DotDimensionNumbers(node.attribute("dot_dimension_numbers"))
    left, right = node.operands[0].shape, node.operands[1].shape
    batch = prod(left[d] for d in numbers.lhs_batching_dimensions)
    depth = prod(left[d] for d in numbers.lhs_contracting_dimensions)
    share = max(1, batch * depth)
    return batch, prod(left) // share, prod(right) // share, depth
