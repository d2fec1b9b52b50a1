"""TOSA and linalg: one network through three doors, operators against numpy, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from cosmalloc import InputError, map_model
from cosmalloc.objective import objective_value
from cosmalloc.passes.doors import Opening
from cosmalloc.passes.import_mlir import convert
from cosmalloc.passes.kernels import compile_module, run_compiled
from tests.command import cosmalloc

pytest.importorskip("torch_mlir", reason="TOSA and linalg need the extra `[mlir]`")

HERE = Path(__file__).parent.parent / "examples/doors"
SHAPES = ((1, 16, 16, 3), (3, 3, 3, 8), (8,), (392, 10))


def network(image: Any, kernel: Any, bias: Any, head: Any) -> Any:
    """The network of examples/doors."""
    numbers = ("NHWC", "HWIO", "NHWC")
    made = lax.conv_general_dilated(image, kernel, (1, 1), "VALID", dimension_numbers=numbers)
    made = jnp.maximum(made + bias, 0)
    pooled = lax.reduce_window(made, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return pooled.reshape(1, 392) @ head


def arrays() -> list[Any]:
    dice = np.random.default_rng(0)
    return [dice.standard_normal(shape, np.float32) for shape in SHAPES]


def mapped(model: Any, arguments: Any = None) -> Any:
    weights = r"(arg[1-9]|kernel|bias|head)"
    options: Any = {"weights": weights, "operand_rule": "anywhere", "scratchpad": "4KiB"}
    return map_model(model, arguments, solver="greedy", **options)


def test_one_network_through_three_doors_is_one_problem() -> None:
    shapes: Any = [jax.ShapeDtypeStruct(shape, "float32") for shape in SHAPES]
    doors = [
        mapped(network, shapes),
        mapped(HERE / "net.tosa.mlir"),
        mapped(HERE / "net.linalg.mlir"),
    ]
    assert doors[0].outcome.value
    for found in doors:
        problem = found.problem
        assert [o.kind for o in problem.operators] == [o.kind for o in doors[0].problem.operators]
        tensors = [(t.bytes, t.kind, t.tracked) for t in problem.tensors]
        assert tensors == [(t.bytes, t.kind, t.tracked) for t in doors[0].problem.tensors]
        costs = [
            (o.flops, o.input_bytes_accessed, o.output_bytes_accessed) for o in problem.operators
        ]
        assert costs == [
            (o.flops, o.input_bytes_accessed, o.output_bytes_accessed)
            for o in doors[0].problem.operators
        ]
        assert objective_value(problem, found.plan, "traffic") == doors[0].outcome.value


def test_one_network_through_three_doors_computes_the_same() -> None:
    image, kernel, bias, head = arrays()
    wanted = np.asarray(network(image, kernel, bias, head))
    tosa = mapped(HERE / "net.tosa.mlir")
    (mine,) = tosa.execute(image, kernel.transpose(3, 0, 1, 2), bias, head[None])
    np.testing.assert_allclose(mine.reshape(1, 10), wanted, 1e-5, 1e-4)
    (mine,) = mapped(HERE / "net.linalg.mlir").execute(image, kernel, bias, head)
    np.testing.assert_allclose(mine, wanted, 1e-5, 1e-4)


def ran(text: str, *inputs: Any) -> Any:
    """What a module's one result is."""
    before = jax.config.jax_enable_x64
    try:
        made = convert(text.encode(), "case.mlir", Opening(), None)
        return run_compiled(compile_module(made.module), inputs)[0]
    finally:
        jax.config.update("jax_enable_x64", before)


def function(kinds: str, result: str, lines: str) -> str:
    arguments = ", ".join(
        f"%{name}: {kind}" for name, kind in zip("abc", kinds.split(), strict=False)
    )
    return f"func.func @main({arguments}) -> {result} {{\n{lines}\n  return %r : {result}\n}}\n"


I8, I32 = "tensor<2x4xi8>", "tensor<2x4xi32>"
CONST = '"tosa.const"() <{{values = dense<{}> : {}}}> : () -> {}'


def const(name: str, values: str, kind: str) -> str:
    return f"  %{name} = {CONST.format(values, kind, kind)}\n"


def test_a_rescale_rounds_and_saturates_as_tosa_says() -> None:
    lines = (
        const("m", "1073741824", "tensor<1xi32>")
        + const("s", "31", "tensor<1xi8>")
        + const("i", "0", "tensor<1xi32>")
        + const("o", "-1", "tensor<1xi8>")
        + "  %r = tosa.rescale %a, %m, %s, %i, %o {scale32 = true, rounding_mode = SINGLE_ROUND,"
        + " per_channel = false, input_unsigned = false, output_unsigned = false} :"
        + f" ({I32}, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> {I8}"
    )
    x = np.array([[0, 3, 4, 5], [-3, 1000, -1000, 104]], np.int32)
    wanted = np.clip(np.floor(x / 2 + 0.5) - 1, -128, 127).astype(np.int8)
    np.testing.assert_array_equal(ran(function(I32, I8, lines), x), wanted)


def test_an_average_of_whole_numbers_is_rounded() -> None:
    kind, small = "tensor<1x4x4x1xi8>", "tensor<1x2x2x1xi8>"
    lines = const("z", "0", "tensor<1xi8>") + (
        "  %r = tosa.avg_pool2d %a, %z, %z {acc_type = i32, kernel = array<i64: 2, 2>,"
        " pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} :"
        f" ({kind}, tensor<1xi8>, tensor<1xi8>) -> {small}"
    )
    x = np.arange(16, dtype=np.int8).reshape(1, 4, 4, 1)
    mean = x.reshape(2, 2, 2, 2).sum((1, 3)) / 4
    wanted = np.floor(mean + 0.5).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(ran(function(kind, small, lines), x), wanted)


def test_a_bilinear_resize_meets_the_corners() -> None:
    small, large = "tensor<1x2x2x1xf32>", "tensor<1x4x4x1xf32>"
    lines = (
        "  %s = tosa.const_shape {values = dense<[4, 2, 4, 2]> : tensor<4xindex>} :"
        " () -> !tosa.shape<4>\n"
        "  %o = tosa.const_shape {values = dense<[-1, -1]> : tensor<2xindex>} :"
        " () -> !tosa.shape<2>\n"
        "  %p = tosa.const_shape {values = dense<[1, 1]> : tensor<2xindex>} :"
        " () -> !tosa.shape<2>\n"
        "  %r = tosa.resize %a, %s, %o, %p {mode = BILINEAR} :"
        f" ({small}, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> {large}"
    )
    x = np.array([[0, 4], [8, 12]], np.float32).reshape(1, 2, 2, 1)
    line = np.array([0, 0.25, 0.75, 1])
    wanted = line[:, None] * 8 + line[None] * 4
    made = ran(function(small, large, lines), x)
    np.testing.assert_allclose(made.reshape(4, 4), wanted, 1e-6)


LINALG = """#a = affine_map<(i, j) -> (i, j)>
#b = affine_map<(i, j) -> (i)>
#c = affine_map<(i, j) -> (j)>
"""


def test_a_reduction_of_any_body_is_that_body_reduced() -> None:
    lines = """  %f = linalg.generic {indexing_maps = [#a, #c, #b],
      iterator_types = ["parallel", "reduction"]}
      ins(%a, %b : tensor<3x4xf32>, tensor<4xf32>) outs(%c : tensor<3xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %d = arith.subf %x, %y : f32
    %e = math.absf %d : f32
    %g = arith.maximumf %out, %e : f32
    linalg.yield %g : f32
  } -> tensor<3xf32>
  %r = tensor.expand_shape %f [[0, 1]] output_shape [3, 1] : tensor<3xf32> into tensor<3x1xf32>"""
    dice = np.random.default_rng(0)
    x, y, z = (dice.standard_normal(shape, np.float32) for shape in ((3, 4), (4,), (3,)))
    text = function("tensor<3x4xf32> tensor<4xf32> tensor<3xf32>", "tensor<3x1xf32>", lines)
    wanted = np.maximum(np.abs(x - y).max(1), z)
    np.testing.assert_allclose(ran(LINALG + text, x, y, z)[:, 0], wanted, 1e-6)


def test_a_reduction_that_is_no_fold_is_named() -> None:
    lines = """  %r = linalg.generic {indexing_maps = [#a, #b],
      iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<3x4xf32>) outs(%b : tensor<3xf32>) {
  ^bb0(%x: f32, %out: f32):
    %d = arith.subf %out, %x : f32
    linalg.yield %d : f32
  } -> tensor<3xf32>"""
    with pytest.raises(InputError, match=r"`linalg\.generic` at line 5 reduces in a way"):
        ran(LINALG + function("tensor<3x4xf32> tensor<3xf32>", "tensor<3xf32>", lines))


CUSTOM = function(
    "tensor<4xf32>",
    "tensor<8xf32>",
    '  %r = tosa.custom %a {domain_name = "mine", implementation_attrs = "",'
    ' operator_name = "spread"} : (tensor<4xf32>) -> tensor<8xf32>',
)
UNKNOWN = function(
    "tensor<4xf32>", "tensor<8xf32>", '  %r = "mine.spread"(%a) : (tensor<4xf32>) -> tensor<8xf32>'
)


@pytest.mark.parametrize(
    ("text", "says"),
    [(CUSTOM, "`tosa.custom` (spread) at line 2"), (UNKNOWN, "unregistered")],
    ids=["tosa", "a dialect of their own"],
)
def test_an_unknown_operation_is_an_error_or_a_black_box(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "odd.mlir"
    file.write_text(text)
    done = cosmalloc("map", file)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    done = cosmalloc("map", file, "--allow-opaque", "--json")
    assert done.code == 0
    assert "spread (1)" in done.err
    (box,) = map_model(file, allow_opaque=True, solver="greedy").problem.operators
    assert (box.input_bytes_accessed, box.output_bytes_accessed, box.flops) == ((16,), (32,), 0)


def test_what_has_results_that_are_no_tensors_is_no_black_box() -> None:
    line = """func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
      %s = "mine.shape"() : () -> !mine.shape<3>
      %r = "mine.spread"(%a, %s) : (tensor<4xf32>, !mine.shape<3>) -> tensor<4xf32>
      return %r : tensor<4xf32>
    }"""
    with pytest.raises(InputError, match=r"`mine\.shape` at line 2 is not known, and no black box"):
        map_model(line, allow_opaque=True, solver="greedy")


def test_text_that_breaks_off_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "half.mlir"
    file.write_text(CUSTOM[: len(CUSTOM) // 2])
    with pytest.raises(
        InputError, match=r"is not a module that torch-mlir reads: line \d+, column"
    ):
        map_model(file)
