"""Products: dot products, convolutions, factorisations, transforms.

    dot          2 * result elements * contracted elements
    convolution  2 * batch * output features * (input features / groups) * product of `pairs`
    cholesky     n^3 / 3 per matrix          triangular_solve   n^2 per right-hand side
    fft          5 n log2 n per complex transform of n points, half of it for a real one

A multiply-add counts 2, a complex one too (XLA's HloCostAnalysis counts so). The counts of the
factorisations are LAPACK Working Note 41's leading terms; 5 n log2 n is the customary count of a
radix-2 fft.
"""

from __future__ import annotations

import re
from math import ceil, log2, prod

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from cosmalloc.passes.rules.rule import Cost, Node, Rule, flat
from cosmalloc.passes.rules.sizes import Shaped
from cosmalloc.passes.rules.windows import pairs, touched, windows_of

_CONVOLUTION = ("window_strides", "lhs_dilation", "rhs_dilation")


def _dot_general(node: Node) -> Cost:
    numbers = stablehlo.DotDimensionNumbers(node.attribute("dot_dimension_numbers"))
    shape = node.operands[0].shape
    contracted = prod(shape[d] for d in numbers.lhs_contracting_dimensions)
    return node.all_bytes(flops=2 * node.results[0].elements * contracted)


def _dot(node: Node) -> Cost:
    return node.all_bytes(flops=2 * node.results[0].elements * node.operands[0].shape[-1])


def _ragged_dot(node: Node) -> Cost:
    """Where the groups split the contracted dimension, each group sums its share only."""
    contracting, ragged = _ragged_dimensions(node)
    contracted = prod(node.operands[0].shape[d] for d in contracting)
    flops = 2 * node.results[0].elements * contracted
    if set(ragged) & set(contracting):
        flops //= max(1, node.operands[2].shape[-1])
    return node.all_bytes(flops=flops)


def _ragged_dimensions(node: Node) -> tuple[list[int], list[int]]:
    """Contracting and ragged dimensions of the left side."""
    numbers = node.attribute("ragged_dot_dimension_numbers")  # a composite lists all six in order
    if isinstance(numbers, ir.ArrayAttr):
        return flat(numbers[2]), flat(numbers[4])
    found = [
        re.search(rf"{name} = \[([\d, ]+)\]", str(numbers))
        for name in ("lhs_contracting_dimensions", "lhs_ragged_dimensions")
    ]
    if None in found:
        raise node.fault(f"has dimension numbers this reader does not know: {numbers}")
    contracting, ragged = ([int(n) for n in m[1].split(",")] for m in found if m)
    return contracting, ragged


def _convolution(node: Node) -> Cost:
    numbers = stablehlo.ConvDimensionNumbers(node.attribute("dimension_numbers"))
    image, kernel = (operand.shape for operand in node.operands)
    result = node.results[0].shape
    spatial = zip(
        numbers.input_spatial_dimensions,
        numbers.output_spatial_dimensions,
        numbers.kernel_spatial_dimensions,
        strict=True,
    )
    sizes = tuple((image[i], result[o], kernel[k]) for i, o, k in spatial)
    windows = windows_of(node, sizes, _CONVOLUTION)
    batch = image[numbers.input_batch_dimension] // node.number("batch_group_count", 1)
    features = kernel[numbers.kernel_input_feature_dimension]  # of the input, per feature group
    made = result[numbers.output_feature_dimension]
    flops = 2 * batch * features * made * prod(map(pairs, windows))
    held = prod(touched(w) for w in windows) * prod(
        image[d] for d in (numbers.input_batch_dimension, numbers.input_feature_dimension)
    )
    read = (node.operands[0].bytes_of(held), node.operands[1].bytes)
    return node.all_bytes(flops=flops, read=read)


def _cholesky(node: Node) -> Cost:
    """Reads and writes one triangle."""
    matrices, n = _square(node.operands[0])
    triangle = matrices * n * (n + 1) // 2
    operand, result = node.operands[0], node.results[0]
    return Cost(
        matrices * n**3 // 3, 0, (operand.bytes_of(triangle),), (result.bytes_of(triangle),)
    )


def _triangular_solve(node: Node) -> Cost:
    """Reads one triangle of operand 0."""
    matrices, n = _square(node.operands[0])
    triangle = node.operands[0].bytes_of(matrices * n * (n + 1) // 2)
    flops = n * node.operands[1].elements
    return node.all_bytes(flops=flops, read=(triangle, node.operands[1].bytes))


def _square(matrix: Shaped) -> tuple[int, int]:
    """(number of matrices, their rows)"""
    return prod(matrix.shape[:-2]), matrix.shape[-1]


def _fft(node: Node) -> Cost:
    n = prod(node.numbers("fft_length", ()))
    real = [s for s in (node.operands[0], node.results[0]) if not s.is_complex]
    points = real[0].elements if real else node.operands[0].elements
    flops = 5 * points * log2(max(n, 1)) / (2 if real else 1)
    return node.all_bytes(flops=ceil(flops))


RULES: dict[str, Rule] = {
    "stablehlo.dot_general": Rule("kernel", _dot_general),
    "stablehlo.dot": Rule("kernel", _dot),
    "chlo.ragged_dot": Rule("kernel", _ragged_dot),
    "stablehlo.convolution": Rule("kernel", _convolution),
    "stablehlo.cholesky": Rule("kernel", _cholesky),
    "stablehlo.triangular_solve": Rule("kernel", _triangular_solve),
    "stablehlo.fft": Rule("kernel", _fft),
}
