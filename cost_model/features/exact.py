"""Sizes as remainders, which logarithms blur: a compiler's loop over vectors costs by how much is
left over, and unrolls the short ones. And whether an operand is a constant: one may cost less than
a tensor, and a division by a power of two is a product."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from jaxlib.mlir.dialects import stablehlo

from cosmalloc.cost_model.features.normal import constant_of
from cosmalloc.cost_model.features.shape import product_sizes, size
from cosmalloc.passes.rules.rule import Node

WIDTH = 12


def exact(node: Node) -> list[float]:
    """`WIDTH` numbers between 0 and 1.

    A product: rows, columns and depth. A convolution: features of the input and of the result per
    group, and the last dimension of the result's space; whether the window is larger than the image
    (libraries leave such ones to a plain loop), the image's space, flops without those of the
    padding. All others: the two minor dimensions of the result and of the largest operand; of two
    operands, whether the second is a constant of one value, whether that is a power of two, whether
    the first is one, and whether either is 0 or 1, which often means that there is nothing to do.
    """
    found = _EXACT.get(node.op.name, _others)(node)
    return found + [0.0] * (WIDTH - len(found))


def _dot(node: Node) -> list[float]:
    _, rows, columns, depth = product_sizes(node)
    return [*_few(rows), *_few(columns), *_few(depth), rows % 8 / 8, columns % 8 / 8]


def _convolution(node: Node) -> list[float]:
    numbers = stablehlo.ConvDimensionNumbers(node.attribute("dimension_numbers"))
    kernel, space = node.operands[1].shape, numbers.output_spatial_dimensions
    features = kernel[numbers.kernel_input_feature_dimension]
    groups = node.number("feature_group_count", 1)
    made = kernel[numbers.kernel_output_feature_dimension] // groups
    last = node.results[0].shape[space[-1]] if len(space) else 1
    image = [node.operands[0].shape[d] for d in numbers.input_spatial_dimensions]
    window = [kernel[d] for d in numbers.kernel_spatial_dimensions]
    return [
        *(*_few(features), *_few(made), *_few(last), made % 8 / 8, last % 8 / 8),
        float(any(width > extent for width, extent in zip(window, image, strict=True))),
        *map(size, (prod(image), min(image, default=1), node.rules.cost(node.op).flops)),
    ]


def _others(node: Node) -> list[float]:
    largest = max(node.operands, key=lambda end: end.elements).shape if node.operands else ()
    made = node.results[0].shape if node.results else ()
    return [*_minor(made), *_minor(largest), *_constants(node)]


def _constants(node: Node) -> list[float]:
    if len(node.op.operands) != 2:
        return []
    first, second = map(constant_of, node.op.operands)
    return [
        float(second is not None),
        float(second in ("power", "one")),
        float(first is not None),
        float(first in ("zero", "one") or second in ("zero", "one")),
    ]


def _few(extent: int) -> list[float]:
    return [extent % 16 / 16, min(extent, 64) / 64]


def _minor(shape: Sequence[int]) -> list[float]:
    """Of the last two dimensions with more than one place; zeros of a scalar."""
    if not shape:
        return [0.0] * 4
    last, before = ([1, 1, *(extent for extent in shape if extent > 1)])[:-3:-1]
    return [last % 16 / 16, last % 8 / 8, min(last, 64) / 64, min(before, 64) / 64]


_EXACT = {"stablehlo.dot_general": _dot, "stablehlo.convolution": _convolution}
