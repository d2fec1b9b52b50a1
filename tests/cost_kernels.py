"""Small kernels with seconds that follow a law, for tests of cost models."""

from __future__ import annotations

import numpy as np

from cosmalloc.cost_model.dataset import Dataset, from_rows

MATMUL = """func.func public @main(%a: tensor<8x16xf32>, %b: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] :
    (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %1 = stablehlo.exponential %0 : tensor<8x4xf32>
  %2 = stablehlo.add %1, %0 : tensor<8x4xf32>
  return %2 : tensor<8x4xf32>
}"""
SLICED = """func.func public @main(%x: tensor<64x64xf32>) -> tensor<1x64xf32> {
  %0 = stablehlo.exponential %x : tensor<64x64xf32>
  %1 = stablehlo.slice %0 [0:1, 0:64] : (tensor<64x64xf32>) -> tensor<1x64xf32>
  return %1 : tensor<1x64xf32>
}"""
FOLDED = """func.func public @main() -> tensor<f32> {
  %cst = stablehlo.constant dense<5.000000e-01> : tensor<f32>
  %0 = stablehlo.exponential %cst : tensor<f32>
  return %0 : tensor<f32>
}"""
LOOP = """func.func public @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<8xf32>
    cond {
      %ten = stablehlo.constant dense<10> : tensor<i32>
      %c = stablehlo.compare LT, %i, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    } do {
      %one = stablehlo.constant dense<1> : tensor<i32>
      %j = stablehlo.add %i, %one : tensor<i32>
      %z = stablehlo.tanh %y : tensor<8xf32>
      stablehlo.return %j, %z : tensor<i32>, tensor<8xf32>
    }
  return %0#1 : tensor<8xf32>
}"""
CONVOLUTION = """func.func public @main(
  %a: tensor<1x8x8x4x{type}>, %b: tensor<3x3x{inner}x4x{type}>) -> tensor<1x8x8x4x{type}> {{
  %0 = stablehlo.convolution(%a, %b) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f],
    window = {{pad = [[1, 1], [1, 1]]}} {{batch_group_count = 1 : i64,
    feature_group_count = {groups} : i64}} : (tensor<1x8x8x4x{type}>, tensor<3x3x{inner}x4x{type}>)
    -> tensor<1x8x8x4x{type}>
  return %0 : tensor<1x8x8x4x{type}>
}}"""


def elementwise(elements: int) -> str:
    kind = f"tensor<{elements}xf32>"
    return f"""func.func public @main(%x: {kind}) -> {kind} {{
  %0 = stablehlo.add %x, %x : {kind}
  return %0 : {kind}
}}"""


def matmul(rows: int) -> str:
    return MATMUL.replace("tensor<8x", f"tensor<{rows}x")


def measured(count: int, seed: int) -> Dataset:
    """Kernels of two sorts, whose seconds follow their work."""
    rng = np.random.default_rng(seed)
    rows = []
    for size in map(int, 2 ** rng.uniform(5, 18, count)):
        dot = size % 2 == 0
        seconds = 1e-6 + (size * 16 * 8 * 2e-11 if dot else size * 4e-10)
        rows.append(
            {
                "text": matmul(size) if dot else elementwise(size),
                "source": "drawn",
                "family": "drawn",
                "policy": "fuse",
                "split": "train",
                "seconds": seconds * float(np.exp(rng.normal(0, 0.02))),
                "spread": 0.01,
                "temporary_bytes": 64 * size if dot else 0,
                "code_bytes": 900 if dot else 300,
            }
        )
    return from_rows(rows, {})
