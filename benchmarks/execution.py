"""Run mapped models through the addresses and copies of their plans, compare what comes out.

    python -m benchmarks.execution [--rule resident|anywhere] [NAME ...]

Each example model is mapped at the smallest scratchpad of the rule `resident` and run on random
data twice: through its plan, and kernel by kernel without one; these must agree bit for bit. The
third run is `jax.jit` of the whole function, which XLA may fuse in another way: the table gives the
largest difference between an output of the plan and this one, relative to the largest number in
that output.
"""

from __future__ import annotations

import argparse
import sys
import time

import jax
import numpy as np

from benchmarks.model_sizes import Settings, read, smallest
from cosmalloc.map_model import map_model
from cosmalloc.passes import execute_unmapped
from cosmalloc.sizes import format_bytes
from cosmalloc.target import OPERAND_RULES, OperandRule
from examples.models.arguments import random_arguments
from examples.models.export import ARTIFACTS, NAMES, load

HEAD = ("model", "scratchpad", "traffic", "bit for bit", "against `jax.jit`", "seconds")
TOLERANCE = 2e-6


def compare(name: str, rule: OperandRule) -> tuple[tuple[str, ...], bool]:
    """A row of the table, and whether all is well."""
    path = ARTIFACTS / f"{name}.mlirbc"
    problem, _ = read(path, "resident", Settings())
    mapped = map_model(path, scratchpad=smallest(problem, Settings()), operand_rule=rule)
    arguments = random_arguments(name, seed=0)
    if mapped.module is None:
        raise RuntimeError(f"no plan for {name}: {mapped.outcome.reason}")
    began = time.perf_counter()
    planned = mapped.execute(*arguments)
    took = time.perf_counter() - began
    plain = execute_unmapped(mapped.module, jax.tree.leaves(arguments))
    function, _ = load(name)
    whole = jax.tree.leaves(jax.jit(function)(*arguments))
    same = all(map(np.array_equal, planned, plain))
    apart = max(_difference(a, b) for a, b in zip(planned, whole, strict=True))
    row = (
        name,
        format_bytes(mapped.problem.target.scratchpad_bytes),
        format_bytes(int(mapped.outcome.value or 0)),
        "equal" if same else "DIFFERENT",
        f"{apart:.1e}",
        f"{took:.1f}",
    )
    return row, same and apart <= TOLERANCE


def _difference(left: np.ndarray, right: jax.Array) -> float:
    """max |left - right| / max |right|."""
    wide = np.asarray(right, np.float64)
    return float(np.abs(left - wide).max() / max(np.abs(wide).max(), 1e-30))


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every example model")
    parser.add_argument("--rule", choices=OPERAND_RULES, default="resident")
    options = parser.parse_args(words)
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    well = True
    for name in options.names or NAMES:
        row, good = compare(name, options.rule)
        print(f"| {' | '.join(row)} |", flush=True)
        well &= good
    return int(not well)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
