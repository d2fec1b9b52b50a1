"""What sort of work an operation is: the kinds whose rates a roofline tells apart.

kind            unit of work    operations
matmul          flops           dot products with both sides wider than 1
matvec          flops           dot products of a vector
convolution     flops           grouped convolution, other convolution (dilated input): apart
reduce          flops           reductions; window: pooling and its gradient
sort            flops           sorts, top-k
elementwise     flops           arithmetic, comparisons, conversions, random bits
transcendental  elements        exponentials, roots, sines and their like
movement        bytes written   transposes, slices, concatenations, pads, iotas, broadcasts
index           bytes written   gathers, scatters, slices at a place known at run time
algebra         flops           factorisations, transforms
"""

from __future__ import annotations

from math import prod
from typing import Literal, get_args

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

Kind = Literal[
    "matmul",
    "matvec",
    "convolution",
    "depthwise convolution",
    "grouped convolution",
    "dilated convolution",
    "reduce",
    "window",
    "sort",
    "elementwise",
    "transcendental",
    "movement",
    "index",
    "algebra",
]
Width = Literal["f64", "f32", "half", "int", "byte"]  # classes of element types
KINDS: tuple[Kind, ...] = get_args(Kind)
WIDTHS: tuple[Width, ...] = get_args(Width)
CONTRACTIONS = KINDS[:6]
COPIES = ("movement", "index")

_GROUPS = ("feature_group_count", "batch_group_count")
_NAMED: dict[str, Kind] = {
    "stablehlo.dot": "matmul",
    "stablehlo.dot_general": "matmul",
    "stablehlo.convolution": "convolution",
    "chlo.ragged_dot": "matmul",
    "stablehlo.reduce": "reduce",
    "stablehlo.batch_norm_training": "reduce",
    "stablehlo.batch_norm_inference": "reduce",
    "stablehlo.batch_norm_grad": "reduce",
    "stablehlo.reduce_window": "window",
    "stablehlo.select_and_scatter": "window",
    "stablehlo.sort": "sort",
    "chlo.top_k": "sort",
    "stablehlo.transpose": "movement",
    "stablehlo.slice": "movement",
    "stablehlo.reverse": "movement",
    "stablehlo.concatenate": "movement",
    "stablehlo.pad": "movement",
    "stablehlo.iota": "movement",
    "stablehlo.broadcast": "movement",
    "stablehlo.broadcast_in_dim": "movement",
    "stablehlo.bitcast_convert": "movement",
    "stablehlo.gather": "index",
    "stablehlo.scatter": "index",
    "stablehlo.dynamic_slice": "index",
    "stablehlo.dynamic_update_slice": "index",
    "stablehlo.torch_index_select": "index",
    "stablehlo.cholesky": "algebra",
    "stablehlo.triangular_solve": "algebra",
    "stablehlo.fft": "algebra",
}


def kind_of(op: ir.Operation) -> Kind:
    """The kind of an operation without loops; arithmetic where no other word fits."""
    if op.name == "stablehlo.dot_general":
        return "matmul" if min(_sides(op)) > 1 else "matvec"
    if op.name == "stablehlo.convolution":
        return _convolution(op)
    return named_kind(op.name)


def named_kind(name: str) -> Kind:
    """What the name alone says: products count as of matrices."""
    return _NAMED.get(name, "elementwise")


def width_of(op: ir.Operation) -> Width:
    """The class of the elements it works on: of its first operand, or of its result."""
    values = list(op.operands) or list(op.results)
    if not values:
        return "int"
    element = values[0].type
    if isinstance(element, ir.ShapedType):
        element = element.element_type
    if isinstance(element, ir.ComplexType):
        return "f64"
    if isinstance(element, ir.FloatType):
        return "f64" if element.width > 32 else "f32" if element.width > 16 else "half"
    if isinstance(element, ir.IntegerType):
        return "byte" if element.width <= 8 else "int"
    return "byte"  # quantised


def _sides(op: ir.Operation) -> tuple[int, int]:
    """Rows of the left side and columns of the right side, of one matrix of the batch."""
    numbers = stablehlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    left, right = (ir.RankedTensorType(value.type).shape for value in op.operands)
    used_left = {*numbers.lhs_batching_dimensions, *numbers.lhs_contracting_dimensions}
    used_right = {*numbers.rhs_batching_dimensions, *numbers.rhs_contracting_dimensions}
    return (
        prod(size for axis, size in enumerate(left) if axis not in used_left),
        prod(size for axis, size in enumerate(right) if axis not in used_right),
    )


def _convolution(op: ir.Operation) -> Kind:
    if any(ir.IntegerAttr(op.attributes[name]).value > 1 for name in _GROUPS):
        numbers = stablehlo.ConvDimensionNumbers(op.attributes["dimension_numbers"])
        kernel = ir.RankedTensorType(op.operands[1].type).shape
        one = kernel[numbers.kernel_input_feature_dimension] == 1
        return "depthwise convolution" if one else "grouped convolution"
    dilated = "lhs_dilation" in op.attributes and any(
        step != 1 for step in ir.DenseI64ArrayAttr(op.attributes["lhs_dilation"])
    )
    return "dilated convolution" if dilated else "convolution"
