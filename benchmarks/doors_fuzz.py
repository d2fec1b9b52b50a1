"""Damaged model files at every door: an outcome or a sentence, nothing else.

    python -m benchmarks.doors_fuzz [--count 2000] [--seed 0] [--format onnx ...] [FILE ...]

Files are turned into others: bits flipped, numbers made huge, cut short, parts repeated or moved,
nested deeply. FILEs are what is damaged, beside the small ones that `tests/doors_seeds.py` makes.
Each is read as the door's own child would: a forked process with its limits of memory (4 GiB) and
time (30 s). Then the problem is made of what came through. Ends: `plan` a problem, `error` a
sentence, `signal` the process is ended (the door says so in a sentence), `hang`, `bug` a traceback.
The last two must not be.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

SECONDS = 30
PRELOADED = (
    *("jax.export", "jax.scipy.special", "cosmalloc.map_model", "cosmalloc.passes.read", "torch"),
    *(f"cosmalloc.passes.import_{name}" for name in ("onnx", "tflite", "mlir", "hlo", "torch")),
    *("cosmalloc.passes.onnx.handlers", "cosmalloc.passes.tosa.handlers", "torch_mlir.passmanager"),
    *("cosmalloc.passes.linalg.handlers", "cosmalloc.passes.pipeline", "torch_mlir.fx"),
)
FORMATS = ("onnx", "tflite", "torch", "tosa", "linalg", "bytecode", "hlo", "hlotext")
_SUFFIX = {"onnx": ".onnx", "tflite": ".tflite", "torch": ".pt2", "hlo": ".pb", "hlotext": ".hlo"}


def flip(data: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def replace(data: bytearray, dice: random.Random) -> bytearray:
    """A few bytes become the largest or the least there are."""
    at = dice.randrange(len(data))
    size = dice.choice((1, 2, 4, 8))
    data[at : at + size] = dice.choice((b"\xff", b"\x7f", b"\x00", b"\x80")) * size
    return data


def cut(data: bytearray, dice: random.Random) -> bytearray:
    return data[: dice.randrange(len(data))]


def move(data: bytearray, dice: random.Random) -> bytearray:
    """A part again at another place, or instead of what is there."""
    start, size = dice.randrange(len(data)), dice.choice((4, 16, 64, 1024))
    at = dice.randrange(len(data))
    data[at : at + dice.choice((0, size))] = data[start : start + size]
    return data


def enlarge(data: bytearray, dice: random.Random) -> bytearray:
    """A number of a text, or a varint, becomes huge."""
    digits = [i for i in range(len(data)) if 48 <= data[i] <= 57]
    if not digits:
        return replace(data, dice)
    at = dice.choice(digits)
    data[at : at + 1] = dice.choice((b"0", b"-1", b"999999999", b"9223372036854775807", b"1" * 40))
    return data


def resize(data: bytearray, dice: random.Random) -> bytearray:
    """A number becomes another wherever it stands: a text may still be consistent."""
    numbers = re.findall(rb"\d+", bytes(data))
    if not numbers:
        return replace(data, dice)
    new = dice.choice((b"0", b"1", b"7", b"65536", b"100000000", b"9223372036854775807"))
    old = re.escape(dice.choice(numbers))
    return bytearray(re.sub(rb"(?<!\d)" + old + rb"(?!\d)", new, bytes(data)))


def nest(data: bytearray, dice: random.Random) -> bytearray:
    """Brackets, or one message's head, many times over."""
    at = dice.randrange(len(data))
    head = bytes(data[at : at + 4])
    data[at:at] = dice.choice(
        (b"(", b"{", b"[", b"tensor<", b"\x3a\x7f", b"\x0a\x7f", head)
    ) * dice.choice((100, 10_000))
    return data


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    *(flip, flip, replace, cut, move, enlarge, enlarge, resize, nest),
)


def damaged(content: bytes, dice: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        if data:
            data = dice.choice(MUTATIONS)(data, dice)
    return bytes(data)


def ending(content: bytes, door: str, suffix: str, room: Path) -> str:
    """How one file ends, in a child; see above."""
    model = room / f"model{suffix}"
    model.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forks beside idle threads
        child = os.fork()
    if child == 0:
        _child(content, door, model, room)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return "hang" if name == "SIGALRM" else f"signal {name}"
    return {0: "plan", 2: "error"}.get(os.WEXITSTATUS(status), "bug")


def _child(content: bytes, door: str, model: Path, room: Path) -> None:
    import resource

    from cosmalloc.errors import InputError
    from cosmalloc.map_model import problem_of
    from cosmalloc.passes.door_child import _HOME
    from cosmalloc.passes.doors import MEMORY, Opening
    from cosmalloc.passes.xla_text import is_hlo

    code = 1
    try:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        limit = MEMORY + 6 * len(content)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        tempfile.tempdir = str(room)
        module = importlib.import_module(f"cosmalloc.passes.{_HOME[door]}")
        made = module.convert(
            content, str(model), Opening(allow_opaque=len(content) % 2 == 0), room
        )
        problem_of(made.module.decode() if is_hlo(made.module) else made.module)
        code = 0
    except (InputError, MemoryError, RecursionError):
        code = 2
    except BaseException:  # noqa: BLE001  a traceback is what is looked for
        (room / "bug").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def fuzz(name: str, seeds: list[bytes], count: int, seed: int) -> Counter[str]:
    """Endings of `count` files made of the seeds; a bug's file and traceback are printed."""
    door = "mlir" if name in ("tosa", "linalg", "bytecode") else "hlo" if "hlo" in name else name
    suffix = _SUFFIX.get(name, ".mlir")
    dice = random.Random(f"{name}{seed}")
    ends: Counter[str] = Counter()
    for index in range(count):
        content = damaged(dice.choice(seeds), dice)
        with tempfile.TemporaryDirectory() as folder:
            room = Path(folder)
            end = ending(content, door, suffix, room)
            if end in ("bug", "hang"):
                bug = room / "bug"
                print(
                    f"{name} {index}: {end}\n{bug.read_text() if bug.exists() else ''}", flush=True
                )
                Path(tempfile.gettempdir(), f"fuzz-{name}-{index}{suffix}").write_bytes(content)
        ends[end] += 1
    return ends


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--count", type=int, default=2000, help="files per format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=FORMATS)
    options = parser.parse_args(words)
    for module in PRELOADED:  # once here, not in every child
        with suppress(ImportError):
            importlib.import_module(module)
    bad = 0
    print("| format | files | problem | sentence | ended by a signal | hang | traceback |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in options.format:
        found = _seeds(name) + [f.read_bytes() for f in options.files if _fits(f, name)]
        if not found:
            print(f"| {name} | no seed: what makes one is not installed |", flush=True)
            continue
        ends = fuzz(name, found, options.count, options.seed)
        signals = sum(n for end, n in ends.items() if end.startswith("signal"))
        cells = (ends["plan"], ends["error"], signals, ends["hang"], ends["bug"])
        print(f"| {name} | {options.count:,} | {' | '.join(map(str, cells))} |", flush=True)
        bad += ends["hang"] + ends["bug"]
    return int(bad > 0)


def _seeds(name: str) -> list[bytes]:
    """Made in a process of its own: JAX must not be at work in one that forks."""
    from tests.doors_seeds import seeds

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(seeds, name).result()


def _fits(file: Path, name: str) -> bool:
    return file.suffix == _SUFFIX.get(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
