"""ONNX files: what their operators compute, and what is said of those that can't be read."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmalloc import InputError, map_model
from cosmalloc.passes import Opening, import_model
from cosmalloc.passes.import_onnx import convert
from cosmalloc.passes.kernels import compile_module, run_compiled
from tests.command import cosmalloc

onnx = pytest.importorskip("onnx", reason="`onnx` writes the files that are read: extra `[dev]`")

Array = Any
# Families of ONNX's own tests of its operators: each compares with what the standard says.
FAMILIES = (
    *("test_averagepool_2d_ceil", "test_conv_with_autopad", "test_convtranspose_output_shape"),
    *("test_depthtospace_crd", "test_gather_elements", "test_gemm_all", "test_gru_with_initial"),
    *("test_layer_normalization_2d", "test_lstm_with_initial", "test_maxpool_2d_ceil"),
    *("test_qlinearconv", "test_resize_downsample_scales_cubic", "test_resize_upsample_sizes_near"),
    *("test_reduce_max_empty_set", "test_reduce_min_empty_set"),
    *("test_scatternd_add", "test_slice_neg", "test_softmax_axis_1", "test_top_k_smallest"),
)
BEYOND = (
    "crop",
    "antialias",
    "peephole",
    "argmax",
    "training",
    "FLOAT8",
    "batch_dim1",
)


MODULES = (
    *("averagepool", "conv", "convtranspose", "depthtospace", "gatherelements", "gemm", "gru"),
    *("layernormalization", "lstm", "maxpool", "qlinearconv", "resize", "scatternd", "slice"),
    *("reducemax", "reducemin", "softmax", "topk"),
)


@cache
def cases() -> tuple[Any, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case import node

        for module in MODULES:
            importlib.import_module(f"{node.__name__}.{module}")
    return tuple(node._NodeTestCases)


def chosen(family: str) -> list[Any]:
    """Two cases of a family, of one node each, within what is read."""
    found = [
        case
        for case in cases()
        if case.name.startswith(family)
        and len(case.model.graph.node) == 1
        and not any(word in case.name for word in BEYOND)
    ]
    return found[:2]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_operator_computes_what_the_standard_says(family: str) -> None:
    found = chosen(family)
    assert found
    for case in found:
        inputs, wanted = case.data_sets[0]
        made = outputs(case.model, [np.asarray(each) for each in inputs])
        for mine, theirs in zip(made, wanted, strict=False):
            assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype), case.name
            left, right = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
            np.testing.assert_allclose(left, right, case.rtol, 1e-5, err_msg=case.name)


def outputs(model: Any, inputs: list[Array]) -> list[Array]:
    """Results of a model; all inputs but the first are constants, as shapes and axes must be."""
    import jax

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for entry in fixed.opset_import:
        entry.version = min(entry.version, 23)
    for info, value in list(zip(fixed.graph.input, inputs, strict=True))[1:]:
        fixed.graph.initializer.append(onnx.numpy_helper.from_array(value, info.name))
    before = jax.config.jax_enable_x64
    try:
        made = convert(fixed.SerializeToString(), "case", Opening(), None)
        return run_compiled(compile_module(made.module), [inputs[0], *made.weights.values()])
    finally:
        jax.config.update("jax_enable_x64", before)


def network(*, custom: bool = False, batch: object = "batch") -> bytes:
    """A convolution, a pool, a reshape whose shape is computed, a product, a softmax."""
    from onnx import TensorProto, helper

    dice = np.random.default_rng(0)
    weights = {
        "conv.weight": dice.standard_normal((16, 3, 3, 3), np.float32),
        "conv.bias": dice.standard_normal(16, np.float32),
        "head.weight": dice.standard_normal((16 * 16, 10), np.float32),
        "minus": np.array([-1]),
        "zero": np.array(0),
        "first": np.array([0]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], "conv", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("MaxPool", ["b"], ["c"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Shape", ["c"], ["s"], "shape"),
        helper.make_node("Gather", ["s", "zero"], ["n"], "batch"),
        helper.make_node("Unsqueeze", ["n", "first"], ["m"], "unsqueeze"),
        helper.make_node("Concat", ["m", "minus"], ["t"], "both", axis=0),
        helper.make_node("Reshape", ["c", "t"], ["d"], "flat"),
        helper.make_node("MatMul", ["d", "head.weight"], ["e"], "head"),
        helper.make_node("Strange" if custom else "Softmax", ["e"], ["y"], "last"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "net.onnx"
    file.write_bytes(network())
    return file


ONE = {"x": (1, 3, 8, 8)}


def test_a_network_is_mapped_and_computes_what_the_reference_does(path: Path) -> None:
    from onnx.reference import ReferenceEvaluator

    mapped = map_model(path, shapes=ONE, scratchpad="64KiB", solver="greedy")
    found = import_model(path, Opening(ONE))
    x = np.random.default_rng(1).standard_normal((1, 3, 8, 8), np.float32)
    (mine,) = mapped.execute(x, *found.weights.values())
    (theirs,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    np.testing.assert_allclose(mine, theirs, 1e-5, 1e-6)


def test_weights_are_arguments_that_keep_their_names(path: Path) -> None:
    problem = map_model(path, shapes=ONE, solver="greedy").problem
    kinds = {tensor.name: (tensor.kind, tensor.bytes) for tensor in problem.tensors}
    assert kinds["x"] == ("input", 4 * 3 * 64)
    assert kinds["params['conv.weight']"] == ("weight", 4 * 16 * 27)
    assert kinds["params['head.weight']"] == ("weight", 4 * 2560)
    assert [t.kind for t in problem.tensors].count("output") == 1


def test_shapes_that_the_graph_computes_are_no_operators(path: Path) -> None:
    problem = map_model(path, shapes=ONE, solver="greedy").problem
    assert len(problem.operators) <= 7
    assert {"convolution", "dot_general", "reduce_window"} <= {o.kind for o in problem.operators}
    assert any("pool/" in operator.location for operator in problem.operators)


def test_an_open_shape_is_named_with_what_to_type(path: Path) -> None:
    with pytest.raises(InputError) as error:
        map_model(path)
    assert error.value.fact == "input `x` has the shape batchx3x8x8, which is not fixed"
    assert error.value.hint == "fix it, for example `--shape x=1x3x8x8`"


@pytest.mark.parametrize(
    ("shapes", "fact"),
    [
        ({"y": (1,)}, "--shape names `y`, the model has no such input"),
        ({"x": (1, 4, 8, 8)}, "--shape x=1x4x8x8 does not fit the model, which says batchx3x8x8"),
        ({"x": (1, 3)}, "--shape x=1x3 does not fit the model, which says batchx3x8x8"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(path: Path, shapes: Any, fact: str) -> None:
    with pytest.raises(InputError) as error:
        map_model(path, shapes=shapes)
    assert error.value.fact == fact


def test_an_operator_that_nobody_knows_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "odd.onnx"
    file.write_bytes(network(custom=True, batch=1))
    done = cosmalloc("map", file, "-o", tmp_path / "o.mlir")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: ONNX operator `Strange` at last is not known to this reader\n"
        "hint: `--allow-opaque` maps it as a black box of its bytes\n"
    )
    assert list(tmp_path.iterdir()) == [file]


def test_an_unknown_operator_is_a_black_box_of_its_bytes_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "odd.onnx"
    file.write_bytes(network(custom=True, batch=1))
    done = cosmalloc("map", file, "--allow-opaque", "-o", tmp_path / "o.mlir", "--solver", "greedy")
    assert done.code == 0
    assert "black boxes, whose arithmetic is not known: Strange (1)" in done.err
    problem = map_model(file, allow_opaque=True, solver="greedy").problem
    (box,) = [operator for operator in problem.operators if operator.kind == "custom_call"]
    assert (box.flops, box.input_bytes_accessed, box.output_bytes_accessed) == (0, (40,), (40,))


def test_the_command_takes_shapes_and_checks_the_plan(path: Path) -> None:
    done = cosmalloc("map", path, "--shape", "x=2x3x8x8", "--check", "--solver", "greedy", "--json")
    assert done.code == 0
    assert done.json["check"]["good"]
