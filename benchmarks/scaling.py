"""How time and memory grow with the operators of a chain: `python -m benchmarks.scaling [N ...]`.

The chain is a module of N small matrix products. Every eighth multiplies by what was made 64 steps
before, so ten tensors of 1 KiB are alive at a time, and the scratchpad of 6 KiB holds six.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from cosmalloc.map_model import map_model
from cosmalloc.verify import verify

SIZES = (1_000, 5_000, 10_000, 50_000)
TYPE = "tensor<16x16xf32>"
EVERY, BACK = 8, 64
SCRATCHPAD = "6KiB"
HEAD = ("operators", "status", "traffic, bytes", "map s", "of it solving s", "MiB", "faults")


def chain(operators: int) -> str:
    """MLIR text of a chain."""
    lines = [f"func.func @main(%params: {TYPE}, %v0: {TYPE}) -> {TYPE} {{"]
    for index in range(operators):
        far = index >= BACK and index % EVERY == 0
        other = f"%v{index - BACK}" if far else "%params"
        lines.append(
            f"  %v{index + 1} = stablehlo.dot_general %v{index}, {other}, contracting_dims ="
            f" [1] x [0] : ({TYPE}, {TYPE}) -> {TYPE}"
        )
    return "\n".join([*lines, f"  return %v{operators} : {TYPE}", "}"])


@dataclass(frozen=True)
class Row:
    """seconds: of `map_model`, text to mapped module; solving: of the solver in it."""

    operators: int
    status: str
    traffic: float | None
    seconds: float
    solving: float
    peak_bytes: int
    faults: int | None


def measure(operators: int) -> Row:
    """Map one chain. Run it in a process of its own."""
    map_model(chain(8), scratchpad=SCRATCHPAD)  # imports and caches
    text = chain(operators)
    began = time.perf_counter()
    mapped = map_model(text, scratchpad=SCRATCHPAD)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    outcome = mapped.outcome
    faults = None if outcome.plan is None else len(verify(mapped.problem, outcome.plan))
    count = len(mapped.problem.operators)
    return Row(count, outcome.status, outcome.value, took, outcome.seconds, peak, faults)


def cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.operators:,}",
        row.status,
        "-" if row.traffic is None else f"{row.traffic:,.0f}",
        f"{row.seconds:.2f}",
        f"{row.solving:.2f}",
        f"{row.peak_bytes / 2**20:.0f}",
        "-" if row.faults is None else str(row.faults),
    )


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), metavar="N")
    print(f"| {' | '.join(HEAD)} |", f"|{'--:|' * len(HEAD)}", sep="\n", flush=True)
    worst = 0
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        for row in pool.map(measure, parser.parse_args(words).sizes):
            print(f"| {' | '.join(cells(row))} |", flush=True)
            worst = max(worst, row.faults or 0)
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
