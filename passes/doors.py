"""Doors for models that are no StableHLO: which one a file wants, and what comes through it.

A converter runs in a process of its own, with limits of time and memory: some end the process that
runs them, or keep it busy for ever, when a file is damaged. What comes back is StableHLO.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes

Array = npt.NDArray[Any]
DOORS = ("onnx", "tflite", "torch", "mlir", "hlo")
_SUFFIXES = {
    ".onnx": "onnx",
    ".tflite": "tflite",
    ".pt2": "torch",
    ".pb": "hlo",
    ".hlo": "hlo",
}
Shape: TypeAlias = "tuple[int, ...] | float"  # or a value, see `Opening`
BYTECODE = b"ML\xefR"
_TEXT = re.compile(rb'[\s"](tosa|linalg|torch|tm_tensor|ml_program|bufferization)\.[a-z_]')
_BUFFERS = re.compile(rb"\bmemref\.alloc\b")
_NAMES = re.compile(rb"\x00(tosa|linalg|torch|tm_tensor|ml_program)\x00")
MEMORY = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Opening:
    """How a foreign model is read.

    shapes: of inputs, by name, where the file leaves them open; a number instead of a shape is the
    value of the input, which is a constant then (ONNX). allow_opaque: an operator that nobody knows
    is a black box that reads its operands and writes its results. seconds, memory: what the
    converter may take, beside a second for every 100,000 bytes of the file, and memory in bytes,
    beside six times the file.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    allow_opaque: bool = False
    seconds: float = 25.0
    memory: int = MEMORY


@dataclass(frozen=True)
class Converted:
    """What a converter makes, in its own process.

    module: MLIR bytecode, or scheduled HLO as text. weights: values of the last arguments, by name,
    in order. seconds: of a processor, in other projects' converters.
    """

    module: bytes
    weights: Mapping[str, Array] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Imported:
    """What came through a door.

    module: StableHLO as MLIR bytecode; its arguments are the model's inputs, then `weights`.
    seconds: of a processor, for the conversion; converter: of these, what other projects'
    converters took; start: what else passed, as the child began and read its libraries.
    """

    module: bytes
    name: str
    weights: Mapping[str, Array]
    seconds: float
    start: float
    converter: float


def door_of(content: bytes, suffix: str) -> str | None:
    """Which of DOORS these bytes want; None where they are read without one."""
    if content[4:8] == b"TFL3":
        return "tflite"
    known = _SUFFIXES.get(suffix.lower())
    if content.lstrip()[:10] == b"HloModule ":  # scheduled text has a reader of its own
        head = content.lstrip().partition(b"\n")[0]
        return None if b"is_scheduled=true" in head else "hlo"
    if known is not None:
        return known
    if content[:4] == BYTECODE:
        return "mlir" if _NAMES.search(content) else None
    if _BUFFERS.search(content):
        return None  # linalg on buffers, which is no model any more
    return "mlir" if _TEXT.search(content) else None


def open_file(path: str | Path, opening: Opening | None = None) -> Imported | None:
    """The model in a file, or None where the file needs no door. Raises InputError."""
    content = read_bytes(path)
    door = door_of(content, Path(path).suffix)
    if door is None:
        return None
    return through(door, content, Path(path), opening or Opening())


def import_model(model: Any, opening: Opening | None = None) -> Imported:
    """A model of another form: a path, or a `torch.export.ExportedProgram`. Raises InputError."""
    if is_torch(model):
        return from_torch(model, opening or Opening())
    found = open_file(model, opening) if isinstance(model, (str, Path)) else None
    if found is None:
        raise InputError("the model goes through no door", "StableHLO is read by `read_model`")
    return found


def is_torch(model: Any) -> bool:
    """Whether it is a `torch.export.ExportedProgram`, without importing torch."""
    kind = type(model)
    return kind.__name__ == "ExportedProgram" and kind.__module__.startswith("torch.export")


def from_torch(program: Any, opening: Opening) -> Imported:
    """An exported program, saved for the child. Raises InputError."""
    import io

    import torch

    saved = io.BytesIO()
    torch.export.save(program, saved)
    return through("torch", saved.getvalue(), Path("the exported program"), opening)


def through(door: str, content: bytes, path: Path, opening: Opening) -> Imported:
    """The model in `content`, converted by a child. path: names it, and says where it lies."""
    with tempfile.TemporaryDirectory(prefix="cosmalloc-door-") as folder:
        room = Path(folder)
        (room / "model").write_bytes(content)
        request = {"door": door, "path": str(path), "opening": asdict(opening)}
        (room / "request.json").write_text(json.dumps(request))
        begin = monotonic()
        seconds = opening.seconds + len(content) // 100_000
        code = run_child(room, seconds, opening.memory + 6 * len(content))
        return _result(room, code, path, seconds, monotonic() - begin)


def run_child(room: Path, seconds: float, memory: int) -> int | None:
    """Exit code of the child, None where its time was up."""
    command = [sys.executable, "-m", "cosmalloc.passes.door_child", str(room), str(memory)]
    quiet = {"OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with (room / "said").open("wb") as said:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=os.environ | quiet
        )
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            child.kill()
            child.wait()


def _result(room: Path, code: int | None, path: Path, seconds: float, whole: float) -> Imported:
    fault = room / "fault.json"
    if code == 2 and fault.exists():
        said = json.loads(fault.read_text())
        raise InputError(said["fact"], said["hint"])
    if code != 0:
        raise InputError(*_ending(room, code, path, seconds))
    done = json.loads((room / "done.json").read_text())
    with np.load(room / "weights.npz", allow_pickle=False) as stored:
        weights = {name: stored[f"w{i}"] for i, name in enumerate(done["weights"])}
    for name, kind in done["kinds"].items():  # numpy's files know no bfloat16
        weights[name] = weights[name].view(np.dtype(_kind(kind)))
    return Imported(
        module=(room / "module.mlirbc").read_bytes(),
        name=path.name.split(".")[0],
        weights=weights,
        seconds=done["seconds"],
        start=max(0.0, whole - done["seconds"]),
        converter=done["converter"],
    )


def _kind(name: str) -> Any:
    import ml_dtypes

    return getattr(ml_dtypes, name)


def _ending(room: Path, code: int | None, path: Path, seconds: float) -> tuple[str, str]:
    """Fact and hint for a child that ended without a word."""
    if code is None:
        fact = f"{path} keeps its converter busy for more than {seconds:g} s"
        return fact, "the model is damaged, or larger than this time allows"
    last = _last_words(room)
    if code < 0:
        name = signal.Signals(-code).name
        return f"{path} ends its converter with {name}{last}", "the model is damaged or unsupported"
    return f"{path} ends its converter with exit code {code}{last}", "please report it"


def _last_words(room: Path) -> str:
    lines = (room / "said").read_bytes().decode(errors="replace").strip().splitlines()
    words = next((line for line in reversed(lines) if line.strip()), "")
    return f": {words.strip()[:200]}" if words else ""
