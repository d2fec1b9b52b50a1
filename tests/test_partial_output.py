"""A command that fails leaves what was there: no new file, no half of one, old ones untouched."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosmalloc.passes import doors
from tests.command import Done, cosmalloc

DOORS = Path(__file__).parent.parent / "examples/doors"
ONNX = (DOORS / "net.onnx").read_bytes()
PLAIN = b"""func.func @main(%a: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %b = stablehlo.dot_general %a, %a, contracting_dims = [1] x [0]
    : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = stablehlo.add %a, %b : tensor<64x64xf32>
  return %c : tensor<64x64xf32>
}
"""
OPTIONS = {"--output": "out.mlir", "--plan": "plan.json", "--problem": "problem.json"}
OPTIONS |= {"--report": "report.html", "--trace": "trace.json"}
Patch = pytest.MonkeyPatch
map_model = importlib.import_module("cosmalloc.map_model")


def mapped(folder: Path, *words: object, model: bytes = PLAIN) -> Done:
    name = "model.mlir" if model == PLAIN else "model.onnx"
    shape = () if model == PLAIN else ("--shape", "x=1x3x8x8")
    (folder / name).write_bytes(model)
    outputs = [word for key, name in OPTIONS.items() for word in (key, folder / name)]
    return cosmalloc("map", folder / name, *shape, "--solver", "greedy", *outputs, *words)


def left(folder: Path) -> dict[str, bytes]:
    """What is there beside the model."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.stem != "model"}


def interrupted(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def failing(call: int, error: BaseException) -> Callable[[int], None]:
    """In the place of `os.fsync`: raises at one of its calls."""
    calls = iter(range(call + 1))

    def fsync(_: int) -> None:
        if next(calls) == call:
            raise error

    return fsync


def no_space(patch: Patch) -> None:
    patch.setattr(os, "fsync", failing(2, OSError(28, "No space left on device")))


def stopped_while_writing(patch: Patch) -> None:
    patch.setattr(os, "fsync", failing(2, KeyboardInterrupt()))


def converter(code: int | None) -> Callable[[Patch], None]:
    def run_child(room: Path, *_: object) -> int | None:
        (room / "said").touch()
        return code

    return lambda patch: patch.setattr(doors, "run_child", run_child)


def stopped_in_the_converter(patch: Patch) -> None:
    patch.setattr(doors, "run_child", interrupted)


def stopped_in_the_solver(patch: Patch) -> None:
    patch.setattr(map_model, "solve", interrupted)


def nothing(_: Patch) -> None:
    pass


CASES: dict[str, tuple[Callable[[Patch], None], tuple[object, ...], bytes, str]] = {
    "no model": (nothing, (), b"\xff" * 99, "is no ONNX model"),
    "an end in the middle": (nothing, (), ONNX[:9000], "ends in the middle"),
    "an operator unknown": (nothing, (), ONNX.replace(b"MaxPool", b"MinPool"), "MinPool"),
    "a wrong shape": (nothing, ("--shape", "y=1"), ONNX, "has no such input"),
    "a wrong solver": (nothing, ("--solver", "magic"), PLAIN, "magic"),
    "a crash": (converter(-signal.SIGSEGV), (), ONNX, "ends its converter with SIGSEGV"),
    "no end": (converter(None), (), ONNX, "keeps its converter busy for more than 25 s"),
    "no space": (no_space, (), PLAIN, "No space left on device"),
    "no folder": (nothing, ("--report", "no/report.html"), PLAIN, "there is no folder"),
    "a folder": (nothing, ("--report", "."), PLAIN, "it is a folder"),
    "one file twice": (nothing, ("--report", "OUT/plan.json"), PLAIN, "both write"),
}


@pytest.mark.parametrize("old", [False, True], ids=["nothing there", "old files there"])
@pytest.mark.parametrize("case", CASES)
def test_what_ends_in_a_sentence_writes_nothing(
    case: str, old: bool, tmp_path: Path, monkeypatch: Patch
) -> None:
    arrange, words, model, says = CASES[case]
    before = {name: b"old" for name in OPTIONS.values() if old}
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    arrange(monkeypatch)
    done = mapped(tmp_path, *(str(w).replace("OUT", str(tmp_path)) for w in words), model=model)
    assert (done.code, done.out) == (2, ""), done.err
    assert done.err.startswith("error: ")
    assert says in done.err
    assert left(tmp_path) == before


STOPS: dict[str, Callable[[Patch], None]] = {
    "converter": stopped_in_the_converter,
    "solver": stopped_in_the_solver,
    "writing": stopped_while_writing,
}


@pytest.mark.parametrize("place", STOPS)
def test_ctrl_c_writes_nothing(place: str, tmp_path: Path, monkeypatch: Patch) -> None:
    STOPS[place](monkeypatch)
    done = mapped(tmp_path, model=ONNX if place == "converter" else PLAIN)
    assert (done.code, left(tmp_path)) == (130, {}), done.err


STUCK = """
import subprocess, sys
from cosmalloc.passes import doors

class Popen(subprocess.Popen):
    def __init__(self, command, **options):
        sleep = "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(60)"
        super().__init__([command[0], "-c", sleep], **options)
        print("converting", self.pid, file=sys.stderr, flush=True)

if __name__ == "__main__":
    doors.subprocess.Popen = Popen
    from cosmalloc.cli import main
    main()
"""


def ends(process: int) -> bool:
    """Whether a process is gone within 10 s, or dead and not yet waited for by whom it was left."""
    for _ in range(100):
        try:
            os.kill(process, 0)
            if Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].startswith("Z"):
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_in_a_converter_that_hears_nothing_ends_both(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    words = [sys.executable, "stuck.py", "map", str(DOORS / "net.onnx"), "-o", "out.mlir"]
    child = subprocess.Popen(
        words, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert child.stderr is not None
    word, number = child.stderr.readline().split()
    assert word == "converting"
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (130, "")
    assert ends(int(number))
    assert [path.name for path in tmp_path.iterdir()] == ["stuck.py"]


def test_no_plan_writes_the_problem_and_the_word_whole(tmp_path: Path) -> None:
    done = mapped(tmp_path, "--scratchpad", "64")
    assert done.code == 1
    assert "out.mlir" not in left(tmp_path)
    assert json.loads((tmp_path / "plan.json").read_text())["status"] == "infeasible"
    assert json.loads((tmp_path / "problem.json").read_text())["operators"]


def test_a_limit_of_time_writes_everything_whole(tmp_path: Path) -> None:
    done = mapped(tmp_path, "--solver", "ilp", "--seconds", "0.001", "--scratchpad", "40KiB")
    status = json.loads((tmp_path / "plan.json").read_text())["status"]
    there = "out.mlir" in left(tmp_path)
    assert done.code == int(not there)
    assert (status in ("optimal", "feasible")) == there
    json.loads((tmp_path / "problem.json").read_text())
    if there:
        assert cosmalloc("opt", tmp_path / "out.mlir", "--passes", "strip-memory").code == 0
