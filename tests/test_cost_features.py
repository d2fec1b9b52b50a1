"""What a kernel looks like in numbers."""

from __future__ import annotations

import numpy as np
import pytest
from cost_kernels import LOOP, MATMUL, SLICED, elementwise, matmul

from cosmalloc.cost_model.domain import Domain, domain_of
from cosmalloc.cost_model.features import flat_graphs_of, graphs_of
from cosmalloc.cost_model.features.graph import WIDTH
from cosmalloc.cost_model.features.shape import minor, run_of_same
from cosmalloc.cost_model.features.words import KINDS
from cosmalloc.errors import InputError


def kinds(text: str) -> list[str]:
    return [KINDS[kind] for kind in graphs_of([text])[0].kind]


POOL = """func.func public @main(%x: tensor<1x8x8x4xf32>) -> tensor<1x4x4x4xf32> {{
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%x, %z) <{{window_dimensions = array<i64: 1, 2, 2, 1>,
    window_strides = array<i64: 1, {step}, {step}, 1>,
    padding = dense<[[0, 0], [0, {pad}], [0, {pad}], [0, 0]]> : tensor<4x2xi64>}}> ({{
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = stablehlo.add %a, %b : tensor<f32>
    stablehlo.return %s : tensor<f32>
  }}) : (tensor<1x8x8x4xf32>, tensor<f32>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}}"""


def test_nodes_are_arguments_then_operations_and_edges_go_from_maker_to_reader() -> None:
    graph = graphs_of([MATMUL])[0]
    assert kinds(MATMUL) == [
        *("argument", "argument"),
        *("stablehlo.dot_general", "stablehlo.exponential", "stablehlo.add"),
    ]
    assert sorted(map(tuple, graph.edges.tolist())) == [(0, 2), (1, 2), (2, 3), (2, 4), (3, 4)]
    assert graph.numbers.shape == (5, WIDTH)
    assert np.isfinite(graph.numbers).all()
    assert graph.costs[2, 0] == 2 * 8 * 16 * 4


def test_a_loop_s_body_costs_as_often_as_it_runs() -> None:
    graph = graphs_of([LOOP])[0]
    tanh = kinds(LOOP).index("stablehlo.tanh")
    assert graph.costs[tanh, 1] == 8 * 10


def test_only_what_is_read_is_paid_for() -> None:
    graph = graphs_of([SLICED])[0]
    assert graph.costs[kinds(SLICED).index("stablehlo.exponential"), 1] == 64


def test_many_kernels_at_once_are_the_same_as_one_by_one() -> None:
    texts = [MATMUL, LOOP, SLICED, elementwise(32), matmul(3)] * 70
    for text, together in zip(texts[-5:], graphs_of(texts)[-5:], strict=True):
        alone = graphs_of([text])[0]
        assert np.array_equal(alone.numbers, together.numbers)
        assert np.array_equal(alone.edges, together.edges)


def test_a_window_that_tiles_is_told_from_one_that_overlaps() -> None:
    tiled = graphs_of([POOL.format(step=2, pad=0)])[0].numbers[1]
    other = POOL.replace("8x8", "4x4").format(step=1, pad=1)
    assert not np.array_equal(tiled, graphs_of([other])[0].numbers[1])


def test_text_that_is_no_kernel_is_an_error() -> None:
    with pytest.raises(InputError):
        graphs_of(["func.func @main("])


def test_dimensions_of_one_place_do_not_matter() -> None:
    assert minor((4, 8, 1, 1)) == 1
    assert minor(()) == -1
    assert run_of_same((4, 8, 1), (False, True, False)) == 8


def test_the_domain_ends_at_unseen_words_and_sizes() -> None:
    domain = domain_of(flat_graphs_of([matmul(rows) for rows in range(1, 9)]))
    found = Domain.from_dict(domain.to_dict()).holds(
        flat_graphs_of([matmul(4), SLICED, matmul(5000)])
    )
    assert found.tolist() == [True, False, False]


BOUNDED = """func.func public @main(%x: tensor<4x40xf32>) -> tensor<4x40xf32> {{
  %c = stablehlo.constant dense<{number}> : tensor<{element}>
  %w = stablehlo.convert %c : (tensor<{element}>) -> tensor<f32>
  %d = stablehlo.broadcast_in_dim %w, dims = [] : (tensor<f32>) -> tensor<4x40xf32>
  %0 = stablehlo.maximum %x, %d : tensor<4x40xf32>
  return %0 : tensor<4x40xf32>
}}"""


@pytest.mark.parametrize(
    ("number", "element", "known"),
    [
        ("4.0", "f32", [1, 1, 0, 0]),
        ("-0.125", "f32", [1, 1, 0, 0]),
        ("1.52587891E-5", "bf16", [1, 0, 0, 0]),  # a power of two below the least that counts
        ("3.0", "f32", [1, 0, 0, 0]),
        ("0.0", "f32", [1, 0, 0, 1]),
        ("1.0", "bf16", [1, 1, 0, 1]),
        ("-1.0", "f16", [1, 1, 0, 0]),
        ("0x7F800000", "f32", [1, 0, 0, 0]),
        ("-128", "i8", [1, 1, 0, 0]),
        ("6", "i32", [1, 0, 0, 0]),
        ("true", "i1", [1, 1, 0, 1]),
    ],
)
def test_a_constant_operand_is_marked_and_so_is_a_power_of_two(
    number: str, element: str, known: list[int]
) -> None:
    text = BOUNDED.format(number=number, element=element)
    graph = graphs_of([text])[0]
    assert graph.numbers[kinds(text).index("stablehlo.maximum"), -4:].tolist() == known


def test_what_is_left_over_of_vectors_is_told_exactly() -> None:
    row = graphs_of([elementwise(20)])[0].numbers[-1]
    assert row[-12:-8].tolist() == [4 / 16, 4 / 8, 20 / 64, 1 / 64]


SLICED_PRODUCT = """func.func public @main(%a: tensor<8x16xf32>, %b: tensor<16x4xf32>) -> tensor<1x4xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %1 = stablehlo.slice %0 [0:1, 0:4] : (tensor<8x4xf32>) -> tensor<1x4xf32>
  return %1 : tensor<1x4xf32>
}"""  # noqa: E501


def test_a_product_is_paid_for_whole_where_a_slice_of_it_is_read() -> None:
    graph = graphs_of([SLICED_PRODUCT])[0]
    assert graph.costs[kinds(SLICED_PRODUCT).index("stablehlo.dot_general"), 0] == 2 * 8 * 16 * 4


CONVOLUTION = """func.func public @main(%a: tensor<2x{n}x5x3xf32>, %k: tensor<3x3x3x8xf32>) -> tensor<2x{n}x5x8xf32> {{
  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {{stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]}} {{batch_group_count = 1 : i64, feature_group_count = 1 : i64}} : (tensor<2x{n}x5x3xf32>, tensor<3x3x3x8xf32>) -> tensor<2x{n}x5x8xf32>
  return %0 : tensor<2x{n}x5x8xf32>
}}"""  # noqa: E501


@pytest.mark.parametrize(("extent", "taps"), [(2, 4), (3, 7)])
def test_a_window_larger_than_the_image_is_marked_and_flops_are_without_padding(
    extent: int, taps: int
) -> None:
    row = graphs_of([CONVOLUTION.format(n=extent)])[0].numbers[-1]
    assert row[-4] == float(extent < 3)
    flops = 2 * 2 * taps * 13 * 3 * 8  # 13 pairs of places along 5, of 3 taps
    assert row[-1] == pytest.approx(np.log2(1 + flops) / 16)
