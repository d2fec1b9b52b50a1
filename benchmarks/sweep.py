"""Six models x twelve scratchpads by every engine of `cosmalloc sweep`: the same rows, seconds of
each.

    pip install 'cosmalloc[ray]'
    python -m benchmarks.sweep [--solver S] [--objective KIND] [--points N] [--csv FILE] [NAME ...]

Operands may be anywhere; elements have one byte, weights are planned too. Nothing is cached;
reading the models is not counted, starting the engine is. Rows are compared but for the seconds
they took; the solver must be one that ends by itself (`greedy`), not by the clock.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from benchmarks.doc_csv import write_table
from cosmalloc.map_model import problem_of
from cosmalloc.sweep import ENGINES, Case, Engine, Row, knees, sizes_in, sweep
from cosmalloc.target_file import custom, load_target
from examples.models.export import ARTIFACTS

MODELS = (
    "nasnet_a_mobile",
    "densenet121",
    "mobilenet_v2",
    "transformer_base",
    "deeplabv3_resnet50",
    "amoebanet_d",
)
RANGE = "64KiB..16MiB"
WORKERS = 2
HEAD = ("engine", "workers", "rows", "with a plan", "seconds", "rows per second", "same rows")


def cases(names: list[str], points: int, solver: str, objective: str, seconds: float) -> list[Case]:
    """Models x sizes."""
    found = []
    machine = custom(load_target("npu-2mib"), operand_rule="anywhere")
    for name in names:
        problem = problem_of(ARTIFACTS / f"{name}.mlirbc", target=machine, bytes_per_element=1)
        sizes = sizes_in(RANGE, points, problem.target.alignment)
        base = Case(problem, 0, solver, "latency" if objective == "latency" else "traffic", seconds)
        found += [replace(base, scratchpad=size) for size in sizes]
    return found


def timed(work: list[Case], engine: Engine) -> tuple[list[Row], float]:
    """Rows, and the seconds they took."""
    began = time.perf_counter()
    rows = sweep(work, engine=engine, workers=WORKERS)
    return rows, time.perf_counter() - began


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--solver", default="greedy")
    parser.add_argument("--objective", choices=("traffic", "latency"), default="traffic")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--points", type=int, default=12)
    parser.add_argument("--json", type=Path, help="rows, knees and seconds")
    parser.add_argument("--csv", type=Path, help="the table of docs/benchmarks.md")
    options = parser.parse_args(words)
    names = options.names or list(MODELS)
    work = cases(names, options.points, options.solver, options.objective, options.seconds)
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    first: list[Row] = []
    took: dict[str, float] = {}
    table: list[tuple[str, ...]] = []
    alike = True
    for engine in ENGINES:
        if engine == "ray" and find_spec("ray") is None:
            print("| ray | - | Ray is not installed | - | - | - | - |")
            continue
        rows, took[engine] = timed(work, engine)
        first = first or rows
        alike &= rows == first
        plans = sum(row.value is not None for row in rows)
        workers = 1 if engine == "serial" else WORKERS
        rate = f"{len(rows) / took[engine]:.1f}"
        cells = (engine, workers, len(rows), plans, f"{took[engine]:.2f}", rate, rows == first)
        table.append(tuple(map(str, cells)))
        print(f"| {' | '.join(table[-1])} |", flush=True)
    if options.csv:
        write_table(
            options.csv,
            f"A sweep of {len(names)} models x {options.points} sizes by every engine",
            f"python -m benchmarks.sweep {' '.join(words)}".rstrip(),
            HEAD,
            table,
            f"Models: {', '.join(names)}.",
        )
    if options.json:
        found = {"seconds": took, "same": alike, "rows": [row.to_json() for row in first]}
        found["knees"] = [f"{k.model} {k.measure} {k.scratchpad}" for k in knees(first)]
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(not alike)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
