"""Plans on buffers: mapped models lowered to memref, and other pipelines' buffers in one arena.

    python -m benchmarks.buffers [NAME ...] [--csv DIR]        about two minutes on two cores

First table: each model is mapped at half of the smallest scratchpad of the rule `resident`, under
`anywhere`, lowered by `lower-to-memref`, compiled by LLVM and run on random data, with every copy
as late as it may be and then as early; both must agree bit for bit with a run in which everything
lies off-chip. The last column is the distance from XLA:CPU, of the largest number in an output.

Second table: each whole model as MLIR's own one-shot-bufferize leaves it; the bytes of the
allocations in `main`, and of the arena that `plan-allocs` puts in their place; the run must agree
bit for bit with the one before.

Loops are LLVM's as they come, without tiling: models with a billion operations take minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from benchmarks.doc_csv import write_table
from benchmarks.model_sizes import Settings, read, smallest
from cosmalloc.check import random_arguments
from cosmalloc.map_model import map_model
from cosmalloc.passes import Pipeline, context, read_model, run_memref
from cosmalloc.passes.attributes import MEMREF, to_dictionary
from cosmalloc.passes.kernels import compile_module, run_compiled
from cosmalloc.passes.lower_memref import lower_to_memref
from cosmalloc.passes.plan_in import read_program
from cosmalloc.plan import Plan
from examples.models.export import ARTIFACTS

NAMES = ("mlp", "cnn", "decode_step", "recurrent", "transformer_layer")
PLANNED = (
    "model",
    "operators",
    "scratchpad",
    "arena",
    "heap",
    "copies",
    "lowered s",
    "compiled and run s",
    "bit for bit",
    "from XLA",
)
ALLOCATED = (
    "model",
    "allocations",
    "their bytes",
    "arena",
    "bound",
    "share",
    "planned s",
    "bit for bit",
)
BUFFERISE = (
    "builtin.module(func.func(linalg-generalize-named-ops,linalg-fuse-elementwise-ops),"
    "empty-tensor-to-alloc-tensor,one-shot-bufferize{bufferize-function-boundaries"
    " function-boundary-type-conversion=identity-layout-map},"
    "buffer-results-to-out-params{modify-public-functions},"
    "canonicalize,buffer-deallocation-pipeline,func.func(convert-linalg-to-loops),canonicalize)"
)
Row = tuple[object, ...]


def planned(name: str) -> tuple[Row, bool]:
    """A row of the first table, and whether all is well."""
    path = ARTIFACTS / f"{name}.mlirbc"
    problem, _ = read(path, "resident", Settings())
    room = smallest(problem, Settings()) // 2
    mapped = map_model(path, scratchpad=room, operand_rule="anywhere", solver="greedy")
    assert mapped.module is not None
    original, _ = read_model(path)
    leaves = random_arguments(original, 0)
    began = time.perf_counter()
    module = _lowered(mapped.module, mapped.plan)
    middle = time.perf_counter()
    late = run_memref(module, leaves)
    ran = time.perf_counter() - middle
    early = run_memref(module, leaves, at="start")
    nowhere = run_memref(_lowered(mapped.module, Plan(mapped.plan.order)), leaves)
    same = _bits(late) == _bits(early) == _bits(nowhere)
    whole = run_compiled(compile_module(context.to_bytecode(original)), leaves)
    apart = max(_distance(a, b) for a, b in zip(late, whole, strict=True))
    sizes = to_dictionary(module.operation.attributes[MEMREF], MEMREF)
    row = (
        name,
        len(mapped.problem.operators),
        room,
        sizes["arena_bytes"],
        sizes["heap_bytes"],
        len(mapped.plan.transfers),
        f"{middle - began:.1f}",
        f"{ran:.1f}",
        "equal" if same else "DIFFERENT",
        f"{apart:.1e}",
    )
    return row, same and apart <= 1e-5


def allocated(name: str) -> tuple[Row, bool]:
    """A row of the second table, and whether all is well."""
    text, leaves = bufferised(name)
    before = run_memref(context.parse(text, name), leaves)
    module = context.parse(text, name)
    began = time.perf_counter()
    Pipeline.parse("plan-allocs").run(module)
    took = time.perf_counter() - began
    same = _bits(run_memref(module, leaves)) == _bits(before)
    main = context.entry(module.operation)
    found = to_dictionary(main.attributes[MEMREF], MEMREF)
    row = (
        name,
        found["allocs"],
        found["alloc_bytes"],
        found["arena_bytes"],
        found["bound_bytes"],
        f"{found['arena_bytes'] / found['alloc_bytes']:.0%}",
        f"{took:.1f}",
        "equal" if same else "DIFFERENT",
    )
    return row, same


def bufferised(name: str) -> tuple[str, list[Any]]:
    """A model as MLIR's own pipeline bufferises it, and arguments for it."""
    module, _ = read_model(ARTIFACTS / f"{name}.mlirbc")
    leaves = random_arguments(module, 0)
    Pipeline.parse("inline,drop-barriers,canonicalize,cse").run(module)
    stablehlo.register_stablehlo_passes()
    with module.context:
        PassManager.parse("builtin.module(stablehlo-legalize-to-linalg)").run(module.operation)
    from torch_mlir import ir as upstream
    from torch_mlir.passmanager import PassManager as UpstreamManager

    with upstream.Context() as entered:
        other = upstream.Module.parse(context.to_text(module))
        UpstreamManager.parse(BUFFERISE, entered).run(other.operation)
        return str(other.operation.get_asm(large_elements_limit=None)), leaves


def _lowered(mapped: ir.Module, plan: Plan) -> ir.Module:
    module = context.clone(mapped)
    with module.context, module.operation.location:
        lower_to_memref(read_program(module.operation).program, plan)
    return module


def _bits(arrays: Iterable[Any]) -> list[bytes]:
    return [array.tobytes() for array in arrays]


def _distance(left: Any, right: Any) -> float:
    """max |left - right| / max |right|."""
    wide = np.asarray(right, np.float64)
    return float(np.abs(np.asarray(left, np.float64) - wide).max() / max(np.abs(wide).max(), 1e-30))


def table(
    head: tuple[str, ...], row: Callable[[str], tuple[Row, bool]], names: Iterable[str]
) -> tuple[list[Row], bool]:
    """Prints rows as they come; whether all were well."""
    print(f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n", flush=True)
    rows, well = [], True
    for name in names:
        cells, good = row(name)
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        rows.append(cells)
        well &= good
    return rows, well


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(NAMES)}")
    parser.add_argument("--csv", type=Path, metavar="DIR", help="write both tables here")
    options = parser.parse_args(words)
    names = options.names or NAMES
    first, good = table(PLANNED, planned, names)
    print()
    second, fine = table(ALLOCATED, allocated, [name for name in names if name != "recurrent"])
    if options.csv is not None:
        command = "python -m benchmarks.buffers --csv docs/data"
        title = "Mapped models on buffers, compiled by LLVM"
        write_table(options.csv / "buffers.csv", title, command, PLANNED, first)
        title = "Allocations of MLIR's own bufferisation in one arena"
        note = "`recurrent` is left out: StableHLO's lowering to linalg alone has no loops."
        write_table(options.csv / "buffers-allocs.csv", title, command, ALLOCATED, second, note)
    return int(not (good and fine))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
