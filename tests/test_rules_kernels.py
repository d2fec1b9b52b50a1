"""Kernels that XLA counts otherwise or not at all, beside figures worked out by hand."""

from __future__ import annotations

import pytest

from cosmalloc.passes.rules import Cost, Rules
from tests.rules_text import body

ARGUMENTS = (
    "%x: tensor<8x16xf32>, %a: tensor<2x8x8xf32>, %b: tensor<2x8x3xf32>, %v: tensor<16xf32>,"
    " %i: tensor<3xi32>, %s: tensor<f32>, %k: tensor<2xui64>, %n: tensor<2xi64>,"
    " %c: tensor<8x9xcomplex<f32>>"
)
E, F = 8 * 16, 16  # elements and features of %x
NORM = "epsilon = 1.0e-3 : f32, feature_index = 1 : i64"
X, V, A = "tensor<8x16xf32>", "tensor<16xf32>", "tensor<2x8x8xf32>"
TRIANGLE = 2 * 36  # elements of two triangles of 8 rows
ADD = """({
^bb0(%l: tensor<f32>, %r: tensor<f32>):
  %t = stablehlo.add %l, %r : tensor<f32>
  %u = stablehlo.exponential %t : tensor<f32>
  stablehlo.return %u : tensor<f32>
})"""

KERNELS: dict[str, tuple[str, Cost]] = {
    "cholesky": (
        f"stablehlo.cholesky %a, lower = true : {A}",
        Cost(2 * 8**3 // 3, 0, (4 * TRIANGLE,), (4 * TRIANGLE,)),
    ),
    "triangular solve": (
        '"stablehlo.triangular_solve"(%a, %b) {left_side = true, lower = true,'
        " unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>}"
        f" : ({A}, tensor<2x8x3xf32>) -> tensor<2x8x3xf32>",
        Cost(2 * 8 * 8 * 3, 0, (4 * TRIANGLE, 192), (192,)),
    ),
    "normalisation, inference": (
        f'"stablehlo.batch_norm_inference"(%x, %v, %v, %v, %v) {{{NORM}}}'
        f" : ({X}, {V}, {V}, {V}, {V}) -> {X}",
        Cost(3 * E + 2 * F, F, (512, 64, 64, 64, 64), (512,)),
    ),
    "normalisation, training": (
        f'"stablehlo.batch_norm_training"(%x, %v, %v) {{{NORM}}}'
        f" : ({X}, {V}, {V}) -> ({X}, {V}, {V})",
        Cost(7 * E + 4 * F, F, (512, 64, 64), (512, 64, 64)),
    ),
    "normalisation, gradient": (
        f'"stablehlo.batch_norm_grad"(%x, %v, %v, %v, %x) {{{NORM}}}'
        f" : ({X}, {V}, {V}, {V}, {X}) -> ({X}, {V}, {V})",
        Cost(8 * E + 6 * F, F, (512, 64, 64, 64, 512), (512, 64, 64)),
    ),
    "random bits, threefry": (
        "stablehlo.rng_bit_generator %k, algorithm = THREE_FRY"
        " : (tensor<2xui64>) -> (tensor<2xui64>, tensor<8x16xui64>)",
        Cost(58 * 2 * E, 0, (16,), (16, 1024)),
    ),
    "random bits, philox": (
        "stablehlo.rng_bit_generator %k, algorithm = PHILOX"
        " : (tensor<2xui64>) -> (tensor<2xui64>, tensor<8x16xui16>)",
        Cost(25 * E // 2, 0, (16,), (16, 256)),
    ),
    "normal numbers": (
        "stablehlo.rng %s, %s, %n, distribution = NORMAL"
        f" : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> {X}",
        Cost(27 * E, E, (4, 4, 16), (512,)),
    ),
    "uniform numbers": (
        "stablehlo.rng %s, %s, %n, distribution = UNIFORM"
        f" : (tensor<f32>, tensor<f32>, tensor<2xi64>) -> {X}",
        Cost(27 * E, 0, (4, 4, 16), (512,)),
    ),
    "largest k": (
        f"chlo.top_k(%x, k = 5) : {X} -> (tensor<8x5xf32>, tensor<8x5xi32>)",
        Cost(3 * E, 0, (512,), (160, 160)),
    ),
    "dot of vectors": (
        f"stablehlo.dot %v, %v : ({V}, {V}) -> tensor<f32>",
        Cost(32, 0, (64, 64), (4,)),
    ),
    "rows by index": (
        '"stablehlo.torch_index_select"(%x, %i) {dim = 0 : i64, batch_dims = 0 : i64}'
        f" : ({X}, tensor<3xi32>) -> tensor<3x16xf32>",
        Cost(0, 0, (192, 12), (192,)),
    ),
    "a map": (
        f'"stablehlo.map"(%x, %x) {ADD} {{dimensions = array<i64: 0, 1>}} : ({X}, {X}) -> {X}',
        Cost(E, E, (512, 512), (512,)),
    ),
    "a reduction with an exponential": (
        f'"stablehlo.reduce"(%x, %s) {ADD} {{dimensions = array<i64: 1>}}'
        f" : ({X}, tensor<f32>) -> tensor<8xf32>",
        Cost(E - 8, E - 8, (512, 4), (32,)),
    ),
    "a dilated window with strides": (
        f'"stablehlo.reduce_window"(%x, %s) {ADD} {{window_dimensions = array<i64: 1, 2>,'
        " window_strides = array<i64: 4, 3>, window_dilations = array<i64: 1, 3>,"
        " padding = dense<[[0, 0], [1, 0]]> : tensor<2x2xi64>}"
        f" : ({X}, tensor<f32>) -> tensor<2x5xf32>",
        Cost(10, 10, (4 * 2 * 9, 4), (40,)),
    ),
    "an LU decomposition": (
        f"stablehlo.custom_call @lapack_sgetrf_ffi(%a) : ({A}) -> ({A}, tensor<2x8xi32>)",
        Cost(2 * 2 * 8**3 // 3, 0, (512,), (512, 64)),
    ),
    "a QR decomposition of a tall matrix": (
        "stablehlo.custom_call @Qr(%b)"
        " : (tensor<2x8x3xf32>) -> (tensor<2x8x3xf32>, tensor<2x3xf32>)",
        Cost(2 * (2 * 8 * 3 * 3 - 2 * 3**3 // 3), 0, (192,), (192, 24)),
    ),
    "a size": (
        f"stablehlo.get_dimension_size %x, dim = 1 : ({X}) -> tensor<i32>",
        Cost(0, 0, (0,), (4,)),
    ),
    "a constant like another": (
        f'"chlo.constant_like"(%x) {{value = 1.0 : f32}} : ({X}) -> {X}',
        Cost(0, 0, (0,), (512,)),
    ),
    "an inverse real fft": (
        f"stablehlo.fft %c, type = IRFFT, length = [16] : (tensor<8x9xcomplex<f32>>) -> {X}",
        Cost(5 * E * 4 // 2, 0, (576,), (512,)),
    ),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_costs_what_its_formula_says(name: str) -> None:
    line, expected = KERNELS[name]
    results = len(expected.written)
    program = body(ARGUMENTS, f"%r{f':{results}' if results > 1 else ''} = {line}")
    op = program.main.regions[0].blocks[0].operations[0]
    assert Rules().cost(op) == expected
