"""What a kind of operation has beside its sizes, as `OWN` magnitudes; other kinds have zeros. Then
the exact sizes of `exact`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from cosmalloc.cost_model.features import exact
from cosmalloc.cost_model.features.shape import (
    minor,
    product_sizes,
    run_of_same,
    size,
    strides,
)
from cosmalloc.passes.rules.rule import Node

OWN = 28
WIDTH = OWN + exact.WIDTH


def details(node: Node) -> list[float]:
    """`WIDTH` numbers, most of them between 0 and 1."""
    found = _DETAILS.get(node.op.name)
    numbers = [] if found is None else found(node)
    return numbers + [0.0] * (OWN - len(numbers)) + exact.exact(node)


def _dot(node: Node) -> list[float]:
    """Batch, rows, columns, contracted; which sides are contracted along their minor dimension."""
    numbers = stablehlo.DotDimensionNumbers(node.attribute("dot_dimension_numbers"))
    left, right = node.operands[0].shape, node.operands[1].shape
    contracted, other = (
        list(numbers.lhs_contracting_dimensions),
        list(numbers.rhs_contracting_dimensions),
    )
    batch, rows, columns, depth = product_sizes(node)
    return [
        *map(size, (batch, rows, columns, depth, rows * columns, rows * depth, columns * depth)),
        *(float(minor(left) in contracted), float(minor(right) in other)),
        *(float(n == 1) for n in (batch, rows, columns, depth)),
        *(float(n % 16 == 0) for n in (rows, columns, depth)),
        *(float(n % 64 == 0) for n in (rows, columns, depth)),
        float(len(contracted) > 1),
        float(_consecutive(contracted)),
        float(_consecutive(list(numbers.lhs_batching_dimensions))),
    ]


def _consecutive(dims: list[int]) -> bool:
    return dims == list(range(dims[0], dims[0] + len(dims))) if dims else False


def _convolution(node: Node) -> list[float]:
    """Batch, output positions, features per group, groups, window, steps, dilations, layout."""
    numbers = stablehlo.ConvDimensionNumbers(node.attribute("dimension_numbers"))
    image, kernel = node.operands[0].shape, node.operands[1].shape
    result = node.results[0].shape
    window = [kernel[d] for d in numbers.kernel_spatial_dimensions]
    ones = (1,) * len(window)
    groups = node.number("feature_group_count", 1)
    features = kernel[numbers.kernel_input_feature_dimension]
    made = kernel[numbers.kernel_output_feature_dimension] // groups
    image_rank, kernel_rank = len(image) - 1, len(kernel) - 1
    return [
        size(image[numbers.input_batch_dimension]),
        size(prod(result[d] for d in numbers.output_spatial_dimensions)),
        *map(size, (features, made, groups, prod(window), features * prod(window))),
        *map(size, (window[-1] if window else 1, window[0] if window else 1)),
        size(prod(node.numbers("window_strides", ones)) - 1),
        size(prod(node.numbers("lhs_dilation", ones)) - 1),
        size(prod(node.numbers("rhs_dilation", ones)) - 1),
        size(sum(map(abs, node.numbers("padding", (0,))))),
        size(node.number("batch_group_count", 1) - 1),
        len(window) / 4,
        float(numbers.input_feature_dimension == image_rank),
        float(numbers.output_feature_dimension == image_rank),
        float(numbers.kernel_output_feature_dimension == kernel_rank),
        float(groups > 1 and features == 1),
        float(groups > 1),
        float(made % 16 == 0),
        float((features * prod(window)) % 16 == 0),
        float(any(node.numbers("window_reversal", (0,)))),
        size(result[numbers.output_spatial_dimensions[-1]]) if window else 0.0,
        size(window_flops(node)),
        size(window_flops(node) * groups),
        size(groups * features),
        size(groups * made),
    ]


def window_flops(node: Node) -> int:
    """2 * results * features * window: what a loop over whole windows does, padding included."""
    numbers = stablehlo.ConvDimensionNumbers(node.attribute("dimension_numbers"))
    kernel = node.operands[1].shape
    taps = prod(kernel[d] for d in numbers.kernel_spatial_dimensions)
    features = kernel[numbers.kernel_input_feature_dimension]
    return 2 * node.results[0].elements * features * taps


def _reduce(node: Node) -> list[float]:
    shape = node.operands[0].shape
    reduced = set(node.numbers("dimensions", ()))
    inner = run_of_same(shape, [d in reduced for d in range(len(shape))])
    kept = run_of_same(shape, [d not in reduced for d in range(len(shape))])
    count = prod(shape[d] for d in reduced)
    return [
        *map(size, (count, prod(shape) // max(1, count), inner, kept)),
        float(minor(shape) in reduced),
        len(node.results) / 4,
        float(count == prod(shape)),
    ]


def _reduce_window(node: Node) -> list[float]:
    window = node.numbers("window_dimensions", ())
    ones = (1,) * len(window)
    elements = node.results[0].elements
    steps, pads = node.numbers("window_strides", ones), node.numbers("padding", (0,))
    return [
        size(elements * prod(window)),
        float(steps == window and not any(pads)),  # tiles: a reduction of a reshape
        size(run_of_same(node.operands[0].shape, [extent == 1 for extent in window])),
        *map(size, (prod(window), window[-1] if window else 1)),
        size(prod(node.numbers("window_strides", ones)) - 1),
        size(prod(node.numbers("base_dilations", ones)) - 1),
        size(prod(node.numbers("window_dilations", ones)) - 1),
        size(sum(map(abs, node.numbers("padding", (0,))))),
        sum(extent > 1 for extent in window) / 4,
        size(max(window, default=1)),
    ]


def _transpose(node: Node) -> list[float]:
    shape = node.operands[0].shape
    order = node.numbers("permutation", ())
    if not order:
        return []
    last = order[minor(node.results[0].shape)]  # where the result's minor dimension comes from
    kept = run_of_same(shape, [d == order[d] for d in range(len(shape))])
    return [
        float(last == minor(shape)),
        size(strides(shape)[last]),
        *map(size, (kept, shape[minor(shape)], shape[last])),
    ]


def _broadcast(node: Node) -> list[float]:
    shape = node.results[0].shape
    dims, given = node.numbers("broadcast_dimensions", ()), node.operands[0].shape
    held = {d for d, extent in zip(dims, given, strict=True) if extent == shape[d]}
    inner = run_of_same(shape, [d in held for d in range(len(shape))])
    spread = run_of_same(shape, [d not in held for d in range(len(shape))])
    return [
        *map(size, (node.operands[0].elements, inner, spread)),
        float(node.operands[0].elements == 1),
        float(minor(shape) in held),
    ]


def _cut(node: Node) -> list[float]:
    """Slices, pads, concatenations, updates: how much lies together."""
    large = max((*node.operands, *node.results), key=lambda end: end.elements).shape
    small = node.results[0].shape
    if node.op.name == "stablehlo.dynamic_update_slice":
        small = node.operands[1].shape
    elif node.op.name in ("stablehlo.concatenate", "stablehlo.pad"):
        small = node.operands[0].shape
    if len(large) != len(small):
        return []
    inner = run_of_same(large, [a == b for a, b in zip(large, small, strict=True)])
    steps = node.numbers("strides", ())
    return [
        *map(size, (inner, prod(small), prod(large))),
        size(prod(steps) - 1 if steps else 0),
        len(node.operands) / 16,
        float(bool(steps) and steps[-1] > 1),
        size(prod(node.numbers("interior_padding", (0,)))),
        float(small[-1] == large[-1]) if small else 0.0,
    ]


def _indexed(node: Node) -> list[float]:
    """Gather and scatter: how many indices, and what each moves."""
    scatter = node.op.name == "stablehlo.scatter"
    indices = node.operands[len(node.results) if scatter else 1]
    moved = node.operands[-1] if scatter else node.results[0]
    depth = max(1, indices.shape[-1] if indices.shape else 1)
    count = max(1, indices.elements // depth)
    return [
        *map(size, (count, moved.elements / count, moved.elements, node.operands[0].elements)),
        depth / 4,
        size(moved.shape[-1] if moved.shape else 1),
        float(scatter),
    ]


def _sort(node: Node) -> list[float]:
    shape = node.operands[0].shape
    axis = node.number("dimension", -1)
    length = shape[axis] if shape else 1
    return [
        *map(size, (length, prod(shape) // max(1, length))),
        float(axis in (-1, len(shape) - 1)),
        len(node.operands) / 4,
        float(ir.BoolAttr(node.attribute("is_stable")).value) if node.attribute("is_stable") else 0,
    ]


def _fft(node: Node) -> list[float]:
    lengths = node.numbers("fft_length", ())
    points = prod(lengths)
    return [*map(size, (points, len(lengths))), float(points & (points - 1) == 0)]


_DETAILS: Mapping[str, Callable[[Node], list[float]]] = {
    "stablehlo.dot_general": _dot,
    "stablehlo.convolution": _convolution,
    "stablehlo.reduce": _reduce,
    "stablehlo.reduce_window": _reduce_window,
    "stablehlo.select_and_scatter": _reduce_window,
    "stablehlo.transpose": _transpose,
    "stablehlo.broadcast_in_dim": _broadcast,
    "stablehlo.gather": _indexed,
    "stablehlo.scatter": _indexed,
    "stablehlo.sort": _sort,
    "stablehlo.fft": _fft,
} | {
    f"stablehlo.{name}": _cut
    for name in ("slice", "dynamic_slice", "dynamic_update_slice", "pad", "concatenate", "reverse")
}
