"""`cosmalloc map` on one file, in a forked process: what the command does, without its start.

Everything but the start is the command's own: the options are parsed, the model is read by a child
with the door's limits of time and memory (forked as well), planned, and written. A fork of a
process that has read its libraries takes milliseconds where a command takes seconds. JAX and torch
must not be at work in the process that forks: their threads stay behind.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import select
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

SECONDS = 30  # for the whole command, and one more for every 100,000 bytes
MEMORY = 4 * 2**30  # bytes of address space, and six times the file
OUTPUTS = ("out.mlir", "plan.json", "problem.json")
SOUND = """func.func @main(%a: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %b = stablehlo.tanh %a : tensor<8x8xf32>
  %c = stablehlo.add %a, %b : tensor<8x8xf32>
  return %c : tensor<8x8xf32>
}
"""
BAD = ("dies", "hang", "traceback", "partial")


@dataclass(frozen=True)
class Ending:
    """How the command ended: `plan`, `no plan`, `sentence`, or one of BAD; and what it said."""

    kind: str
    said: str


def warm() -> None:
    """The command once in this process, so that its children find what it imports."""
    from cosmalloc.cli.app import run

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.mlir")
        model.write_text(SOUND)
        with redirect_stdout(io.StringIO()), suppress(SystemExit):
            run(_words(model))
    gc.collect()  # MLIR's contexts hold threads
    gc.freeze()


def mapped(content: bytes, suffix: str, options: tuple[str, ...], seconds: float) -> Ending:
    """The command on a file of these bytes, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="cosmalloc-fuzz-") as folder:
        room, rubbish = Path(folder, "room"), Path(folder, "temporary")
        room.mkdir()
        rubbish.mkdir()
        model, said = room / f"model{suffix}", Path(folder, "said")
        model.write_bytes(content)
        limit = MEMORY + 6 * len(content)
        child = forked(lambda: _command(model, options, said, rubbish, limit))
        code = ended(child, seconds + len(content) // 100_000)
        words = said.read_text(errors="replace") if said.exists() else ""
        left = sorted(path.name for path in room.iterdir() if path != model)
        left += sorted(path.name for path in rubbish.iterdir())
        return Ending(kind_of(code, words, left), f"{words}left: {left}" if left else words)


def kind_of(code: int | None, said: str, left: list[str]) -> str:
    """The name of an ending. left: names of the files that it leaves beside the model."""
    if code is None:
        return "hang"
    if code < 0:
        return "dies"
    if code not in (0, 1, 2) or "Traceback" in said:
        return "traceback"
    if code == 0:
        return "plan" if left == sorted(OUTPUTS) else "partial"
    if code == 1:  # the problem, and the word that there is no plan
        return "no plan" if left == ["plan.json", "problem.json"] else "partial"
    whole = not left and said.startswith("error: ")
    return "sentence" if whole else "partial"


def forked(work: Callable[[], NoReturn]) -> int:
    """A child that leads a group of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forks beside idle threads
        child = os.fork()
    if child == 0:
        try:
            os.setsid()
            work()
        finally:
            os._exit(70)
    return child


def ended(child: int, seconds: float) -> int | None:
    """Its exit code, the negative number of a signal, or None where its time was up."""
    handle = os.pidfd_open(child)
    in_time = bool(select.select([handle], [], [], seconds)[0])
    os.close(handle)
    if not in_time:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if in_time else None


def _command(
    model: Path, options: tuple[str, ...], said: Path, rubbish: Path, memory: int
) -> NoReturn:
    from cosmalloc.cli import rehearsal
    from cosmalloc.cli.app import run
    from cosmalloc.passes import doors

    vars(rehearsal)["sys"] = SimpleNamespace(modules={})  # JAX is read here, and not at work
    _silent(said)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    tempfile.tempdir = str(rubbish)
    vars(doors)["run_child"] = _converter
    code = _code(lambda: run([*_words(model), *options]))
    if code == 0:
        code = _code(lambda: _whole(model.parent))
    os._exit(code)


def _words(model: Path) -> list[str]:
    words = ["map", str(model), "--solver", "greedy", "--seconds", "1"]
    for option, name in zip(("--output", "--plan", "--problem"), OUTPUTS, strict=True):
        words += [option, str(model.parent / name)]
    return words


def _whole(room: Path) -> None:
    """What was written can be read."""
    from cosmalloc.passes import context

    context.parse((room / OUTPUTS[0]).read_text(), OUTPUTS[0])
    for name in OUTPUTS[1:]:
        json.loads((room / name).read_text())


def _converter(room: Path, seconds: float, memory: int) -> int | None:
    """In the place of `doors.run_child`: the same child, forked."""
    return ended(forked(lambda: _door(room, memory)), seconds)


def _door(room: Path, memory: int) -> NoReturn:
    from cosmalloc.passes.door_child import main

    _silent(room / "said")
    os._exit(_code(lambda: main([str(room), str(memory)])))


def _silent(said: Path) -> None:
    """Nothing on stdout, and what stands on stderr in a file."""
    out = os.open(os.devnull, os.O_WRONLY)
    words = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream, handle in ((1, out), (2, words)):
        os.dup2(handle, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)


def _code(work: Callable[[], int | None]) -> int:
    """Its exit code, as Python's own: 1 and a traceback for an exception."""
    try:
        code = work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  a traceback is what is looked for
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code or 0
