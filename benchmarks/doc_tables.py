"""The tables of docs/benchmarks.md that the commands `compare` and `sweep` make.

    python -m benchmarks.doc_tables [--folder docs/data] [--seconds S]

NASNet-A mobile, one byte per element, on `npu-2mib` with less scratchpad.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.doc_csv import write_table
from cosmalloc.cli.summary import time_words
from cosmalloc.compare import compare, with_gaps
from cosmalloc.map_model import problem_of
from cosmalloc.problem import Problem
from cosmalloc.sizes import format_bytes
from cosmalloc.sweep import Case, knees, sizes_in, sweep
from cosmalloc.sweep.knee import RULE
from cosmalloc.target_file import custom, load_target
from examples.models.export import ARTIFACTS

MODEL = "nasnet_a_mobile"
SCRATCHPAD = "776KiB"
RANGE = "64KiB..4MiB"


def compared(problem: Problem, seconds: float, folder: Path) -> None:
    """Every solver and baseline at one size."""
    size = sizes_in(SCRATCHPAD)[0]
    made = replace(problem, target=replace(problem.target, scratchpad_bytes=size))
    rows = with_gaps(made, "traffic", list(compare(made, seconds=seconds)))
    write_table(
        folder / "compare.csv",
        f"Every solver and baseline: {MODEL} at {SCRATCHPAD}",
        f"cosmalloc compare examples/models/artifacts/{MODEL}.mlirbc --scratchpad {SCRATCHPAD}"
        f" --bytes-per-element 1 --seconds {seconds:g}",
        ("solver", "status", "traffic", "latency", "peak", "bound", "gap", "seconds"),
        [
            (
                row.name,
                row.status,
                "-" if row.traffic is None else format_bytes(row.traffic),
                "-" if row.latency is None else time_words(row.latency),
                "-" if row.peak is None else format_bytes(row.peak),
                "-" if row.bound is None else format_bytes(int(row.bound)),
                "-" if row.gap is None else f"{row.gap:.1%}",
                f"{row.seconds:.2f}",
            )
            for row in rows
        ],
    )


def swept(problem: Problem, folder: Path) -> None:
    """Twelve sizes, operands anywhere, weights planned too."""
    sizes = sizes_in(RANGE, 12, problem.target.alignment)
    rows = sweep([Case(problem, size, "greedy") for size in sizes], engine="serial")
    marks = {(k.scratchpad, k.measure) for k in knees(rows)}
    write_table(
        folder / "sweep.csv",
        f"What more scratchpad buys: {MODEL}, operands anywhere",
        f"cosmalloc sweep examples/models/artifacts/{MODEL}.mlirbc --scratchpad {RANGE}"
        " --bytes-per-element 1 --operand-rule anywhere --solver greedy",
        ("scratchpad", "status", "traffic", "latency", "knee"),
        [
            (
                format_bytes(row.scratchpad),
                row.status,
                "-" if row.traffic is None else format_bytes(row.traffic),
                "-" if row.latency is None else time_words(row.latency),
                ", ".join(m for m in ("traffic", "latency") if (row.scratchpad, m) in marks),
            )
            for row in rows
        ],
        f"Knee: {RULE}.",
    )


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("docs/data"))
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args(words)
    path = ARTIFACTS / f"{MODEL}.mlirbc"
    problem = problem_of(path, target="npu-2mib", bytes_per_element=1)
    compared(problem, options.seconds, options.folder)
    machine = custom(load_target("npu-2mib"), operand_rule="anywhere")
    anywhere = problem_of(path, target=machine, bytes_per_element=1)
    swept(anywhere, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
