"""Damaged files at every door, a few of each: `benchmarks/doors_fuzz.py` takes more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.doors_forked import OUTPUTS, kind_of
from cosmalloc import InputError
from cosmalloc.passes import doors, import_tflite
from cosmalloc.passes.doors import Opening, through
from tests.doors_seeds import seeds

ROOT = Path(__file__).parent.parent


def test_damaged_files_end_in_a_plan_or_a_sentence() -> None:
    words = ("--count", "12", "--format", "stablehlo", "onnx", "bytecode", "hlotext")
    command = [sys.executable, "-m", "benchmarks.doors_fuzz", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    row = r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| \d+ \| \d+ \| 0 \| 0 \| 0 \| 0 \|$"
    rows = re.findall(row, done.stdout, re.M)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(sum(map(int, row[2:])) == int(row[1]) == 12 for row in rows)
    assert {row[0] for row in rows} >= {"stablehlo", "hlotext"}


WHOLE = sorted(OUTPUTS)


@pytest.mark.parametrize(
    ("code", "said", "left", "kind"),
    [
        (0, "", WHOLE, "plan"),
        (0, "", WHOLE[1:], "partial"),
        (0, "", [".out.mlir.x", *WHOLE], "partial"),
        (1, "no plan: so", ["plan.json", "problem.json"], "no plan"),
        (1, "no plan: so", WHOLE, "partial"),
        (2, "error: so", [], "sentence"),
        (2, "error: so", ["out.mlir"], "partial"),
        (2, "", [], "partial"),
        (1, "Traceback (most recent call last):", [], "traceback"),
        (70, "", [], "traceback"),
        (-11, "", [], "dies"),
        (None, "", [], "hang"),
    ],
)
def test_each_bad_ending_is_told_from_a_good_one(
    code: int | None, said: str, left: list[str], kind: str
) -> None:
    assert kind_of(code, said, left) == kind


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            "ends its converter with SIGSEGV",
        ),
        ("import time; time.sleep(60)", "keeps its converter busy for more than 1 s"),
        (
            "import re, signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)];"
            " re.match('(a+)+$', 'a' * 60 + 'b')",
            "keeps its converter busy for more than 1 s",
        ),
        ("raise LookupError('lost')", "ends its converter with exit code 1: LookupError: lost"),
    ],
    ids=["crash", "hang", "hang that hears nothing", "exception"],
)
def test_what_ends_a_converter_is_a_sentence(
    code: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Popen(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **options: object) -> None:
            super().__init__([command[0], "-c", code], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(doors.subprocess, "Popen", Popen)
    with pytest.raises(InputError) as error:
        through("onnx", b"", Path("net.onnx"), Opening(seconds=1))
    assert error.value.fact == f"net.onnx {says}"


def test_bytecode_that_its_reader_never_leaves_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("torch_mlir")
    content = bytearray(seeds("bytecode")[0])
    content[313] = 1  # a type that holds itself, in torch-mlir 20261001
    with pytest.raises(InputError) as error:
        through("mlir", bytes(content), tmp_path / "net.mlir", Opening(seconds=4))
    assert not list(tmp_path.iterdir())
    assert "net.mlir keeps its converter busy for more than 4 s" in error.value.fact


def test_a_small_file_is_given_up_before_30_seconds() -> None:
    assert Opening().seconds <= 25


@pytest.mark.parametrize("error", [IndexError, RuntimeError, OverflowError])
def test_what_the_tflite_converter_raises_is_a_sentence(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error("vector::_M_range_check: __n (which is 262) >= this->size() (which is 7)")

    wrapper = SimpleNamespace(
        TosaConverterDebugInfo=SimpleNamespace(Enable=1),
        TosaConverterOutputFormat=SimpleNamespace(Text=1),
        tflite_flatbuffer_to_tosa_mlir=fail,
    )
    monkeypatch.setitem(sys.modules, "_tosa_converter_for_tflite_wrapper", wrapper)
    with pytest.raises(InputError, match=r"not a model that its converter knows: vector::_M_range"):
        import_tflite.convert(b"", "net.tflite", Opening(), None)


def test_a_tensor_that_no_machine_holds_is_a_sentence(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    node = helper.make_node("ConstantOfShape", ["s"], ["y"], "huge")
    graph = helper.make_graph(
        [node],
        "net",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.array([2**41]), "s")],
    )
    content = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)]
    ).SerializeToString()
    with pytest.raises(InputError, match=r"makes the shape .* which can't be"):
        through("onnx", content, tmp_path / "net.onnx", Opening())
