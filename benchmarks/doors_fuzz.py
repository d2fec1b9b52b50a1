"""Damaged model files at every door: a plan or a sentence, nothing else.

    python -m benchmarks.doors_fuzz [--count 2000] [--seed 0] [--format onnx ...] [FILE ...]

Files are turned into others (`doors_mutants.py`) and given to `cosmalloc map -o --plan --problem`
(`doors_forked.py`). FILEs are what is damaged, beside the small ones that `tests/doors_seeds.py`
makes. Endings: `plan` and `no plan`, with what was written whole; `sentence`, exit 2 and nothing
written, `ended` and `late` of them where the door's child died or ran out of its time. These must
not be: the command itself `dies`; a `hang`, over 30 s; a `traceback`; `partial`, files beside what
the ending promises, or not whole. The door's child has 4 GiB, and so has the command.

A file that ends badly is kept in the folder of temporary files. 2,000 files of a format take one to
fifteen minutes, as the format is.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import random
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.doors_forked import BAD, SECONDS, mapped, warm
from benchmarks.doors_mutants import damaged

FORMATS = (
    *("stablehlo", "onnx", "tflite", "torch", "tosa", "linalg", "bytecode"),
    *("hlo", "hlotext"),
)
COLUMNS = ("plan", "no plan", "sentence", "ended", "late", *BAD)
_SUFFIX = {"onnx": ".onnx", "tflite": ".tflite", "torch": ".pt2", "hlo": ".pb", "hlotext": ".hlo"}
_JAX = ("jax.export", "jax.scipy.special", "cosmalloc.passes.door_child")
_MLIR = (
    *("cosmalloc.passes.import_mlir", "torch_mlir.passmanager"),
    *("cosmalloc.passes.tosa.handlers", "cosmalloc.passes.linalg.handlers"),
)
_LIBRARIES = {
    "stablehlo": (),  # no JAX: the command forks a child of its own to read one
    "onnx": (*_JAX, "cosmalloc.passes.import_onnx", "cosmalloc.passes.onnx.handlers"),
    "tflite": (*_JAX, *_MLIR, "cosmalloc.passes.import_tflite"),
    "torch": (*_JAX, *_MLIR, "torch", "torch_mlir.fx", "cosmalloc.passes.import_torch"),
    "hlo": (*_JAX, "cosmalloc.passes.import_hlo"),
}
_LIBRARIES["hlotext"] = _LIBRARIES["hlo"]
for _each in ("tosa", "linalg", "bytecode"):
    _LIBRARIES[_each] = (*_JAX, *_MLIR)


def fuzz(name: str, files: list[bytes], count: int, seed: int) -> Counter[str]:
    """Endings of `count` files made of `files`; what ends badly is printed and kept."""
    for module in _LIBRARIES[name]:  # once here, not in every child
        with suppress(ImportError):
            importlib.import_module(module)
    if name == "torch":
        _warm_torch(files[0])
    warm()
    suffix = _SUFFIX.get(name, ".mlir")
    dice = random.Random(f"{name}{seed}")
    ends: Counter[str] = Counter()
    for index in range(count):
        content = damaged(dice.choice(files), dice)
        options = ("--allow-opaque",) if len(content) % 2 == 0 else ()
        end = mapped(content, suffix, options, SECONDS)
        ends[end.kind] += 1
        ends["ended"] += "ends its converter with" in end.said or "reader with SIG" in end.said
        ends["late"] += "busy for more than" in end.said
        if end.kind in BAD:
            kept = Path(tempfile.gettempdir(), f"fuzz-{name}-{seed}-{index}{suffix}")
            kept.write_bytes(content)
            print(f"{kept} {' '.join(options)}: {end.kind}\n{end.said[-3000:]}", flush=True)
    return ends


def _warm_torch(content: bytes) -> None:
    """torch's own tables, made once: 2 s that every file would need."""
    import torch
    from torch_mlir import fx

    from cosmalloc.passes.import_torch import lowered

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    loaded: Any = torch.export.load(io.BytesIO(content))
    lowered(loaded.run_decompositions(fx.get_decomposition_table()), "the first file")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--count", type=int, default=2000, help="files per format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=FORMATS)
    options = parser.parse_args(words)
    os.environ |= {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    bad = 0
    print(f"| format | files | {' | '.join(COLUMNS)} |")
    print(f"|{'---|' * (2 + len(COLUMNS))}", flush=True)
    sound = _apart(_seeds, options.format)
    for name in options.format:
        found = sound[name] + [
            f.read_bytes() for f in options.files if f.suffix == _SUFFIX.get(name)
        ]
        if not found:
            print(f"| {name} | no seed: what makes one is not installed |", flush=True)
            continue
        ends = _apart(fuzz, name, found, options.count, options.seed)
        cells = (f"{ends[column]:,}" for column in COLUMNS)
        print(f"| {name} | {options.count:,} | {' | '.join(cells)} |", flush=True)
        bad += sum(ends[kind] for kind in BAD)
    return int(bad > 0)


def _apart(work: Any, *given: Any) -> Any:
    """In a process of its own, which has read nothing yet."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def _seeds(names: Sequence[str]) -> dict[str, list[bytes]]:
    from tests.doors_seeds import seeds

    return {name: seeds(name) for name in names}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
