"""Inputs of ONNX models whose value is given, and the branches that it decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmalloc import InputError, map_model
from tests.command import cosmalloc

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = x @ wide where rate is 2, else x @ narrow, which wants another x."""
    from onnx import TensorProto, helper, numpy_helper

    def branch(name: str) -> Any:
        node = helper.make_node("MatMul", ["x", name], [f"y_{name}"], f"product_{name}")
        result = helper.make_tensor_value_info(f"y_{name}", TensorProto.FLOAT, None)
        return helper.make_graph([node], name, [], [result])

    nodes = [
        helper.make_node("Equal", ["rate", "two"], ["is_two"], "compare"),
        helper.make_node(
            "If",
            ["is_two"],
            ["y"],
            "fork",
            then_branch=branch("wide"),
            else_branch=branch("narrow"),
        ),
    ]
    weights = {
        "two": np.array(2),
        "wide": np.full((8, 4), 0.5, np.float32),
        "narrow": np.ones((3, 4), np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "net",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n"]),
            helper.make_tensor_value_info("rate", TensorProto.INT64, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    file = tmp_path_factory.mktemp("onnx") / "fork.onnx"
    file.write_bytes(made.SerializeToString())
    return file


@pytest.mark.parametrize(("rate", "size", "each"), [(2, 8, 4.0), (1, 3, 3.0), (2.0, 8, 4.0)])
def test_a_value_decides_which_branch_is_there(
    path: Path, rate: float, size: int, each: float
) -> None:
    mapped = map_model(path, shapes={"x": (1, size), "rate": rate}, solver="greedy")
    assert [operator.kind for operator in mapped.problem.operators] == ["dot_general"]
    assert "rate" not in {tensor.name for tensor in mapped.problem.tensors}
    weight = np.full((8, 4), 0.5) if rate == 2 else np.ones((3, 4))
    (mine,) = mapped.execute(np.ones((1, size), np.float32), weight.astype(np.float32))
    np.testing.assert_array_equal(mine, np.full((1, 4), each, np.float32))


def test_without_it_the_branch_that_does_not_fit_is_named(path: Path) -> None:
    with pytest.raises(InputError, match="product_narrow can't be read") as error:
        map_model(path, shapes={"x": (1, 8)})
    assert "fix its value: `--shape rate==1`" in error.value.hint


def test_at_the_command_two_signs_give_a_value(path: Path, tmp_path: Path) -> None:
    words = ("map", path, "--shape", "x=1x8", "--shape", "rate==2", "--solver", "greedy")
    done = cosmalloc(*words, "-o", tmp_path / "out.mlir")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("rate==two",), "--shape is `rate==two`"),
        (("rate==0.5",), "--shape rate==0.5 is no number of type int64"),
        (("rate==nan",), "--shape rate==nan is no number of type int64"),
        (("rate==2", "rate==2"), "--shape gives `rate` twice"),
        (("rate=2",), "--shape rate=2 does not fit the model, which says a scalar"),
        (("sr==2",), "--shape names `sr`, the model has no such input"),
        (("x==2",), "input `x` has the shape 1xn, which is not fixed"),
        (("==2",), "--shape is `==2`"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(path: Path, words: tuple[str], fact: str) -> None:
    given = [part for word in words for part in ("--shape", word)]
    done = cosmalloc("map", path, *given, *(() if "x==2" in words else ("--shape", "x=1x8")))
    assert done.code == 2
    assert done.err.splitlines()[0] == f"error: {fact}"
