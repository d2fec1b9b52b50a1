"""How near the lower bounds of latency are to the best plans, on the example models.

    python -m benchmarks.ilp_latency [--seconds 10] [--csv FILE] [--target tpu-v5e] [NAME ...]

Every model under the rule `anywhere`, weights tracked, with a scratchpad of 12, 25, 50 and 100 % of
the bytes alive at once in source order. Columns, microseconds: all off-chip; `greedy`; `search` and
`ilp`, each with the seconds given; the bounds by counting, for any order, and for the source order;
the share by which the best plan may lie above the bound of its order.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from cosmalloc.ilp.any_order import latency_floor
from cosmalloc.ilp.latency import latency_bound
from cosmalloc.lifetimes import alive_bytes, lifetimes, source_order
from cosmalloc.map_model import problem_of
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.target_file import custom, load_target
from examples.models.export import ARTIFACTS

MODELS = (
    "transformer_layer", "unet", "resnet50", "mobilenet_v2", "train_step", "vit_b16", "gpt2_small",
    "densenet121",
)  # fmt: skip
BUDGETS = (0.12, 0.25, 0.5, 1.0)
SOLVERS = ("greedy", "search", "ilp")


@dataclass(frozen=True)
class Row:
    """Seconds of plans and of bounds; budget: share of the bytes alive; took: seconds of the
    bound of the source order."""

    model: str
    operators: int
    budget: float
    off_chip: float
    greedy: float
    search: float
    ilp: float
    counted: float
    any_order: float
    this_order: float
    took: float

    @property
    def gap(self) -> float:
        """Of the best plan above the bound of its order."""
        best = min(self.off_chip, self.greedy, self.search, self.ilp)
        return 1 - self.this_order / best


def rows_of(name: str, target: str, seconds: float) -> Iterator[Row]:
    """One row per budget."""
    machine = custom(load_target(target), operand_rule="anywhere")
    problem = problem_of(ARTIFACTS / f"{name}.mlirbc", target=machine, track="all")
    order = source_order(problem)
    alive = int(alive_bytes(problem, lifetimes(problem, order)).max())
    for budget in BUDGETS:
        yield row(sized(problem, int(budget * alive)), name, budget, seconds)


def sized(problem: Problem, room: int) -> Problem:
    """The problem with another scratchpad."""
    align = problem.target.alignment
    return replace(problem, target=replace(problem.target, scratchpad_bytes=room // align * align))


def row(problem: Problem, name: str, budget: float, seconds: float) -> Row:
    """All plans and bounds at one budget."""
    order = source_order(problem)
    values = []
    for solver in SOLVERS:
        outcome = solve(problem, objective="latency", solver=solver, seconds=seconds)
        assert outcome.value is not None
        values.append(outcome.value)
    began = time.perf_counter()
    this_order = latency_bound(problem, order, seconds)
    took = time.perf_counter() - began
    return Row(
        name,
        len(problem.operators),
        budget,
        simulate(problem, Plan(order)).latency,
        *values,
        bound(problem, "latency"),
        latency_floor(problem, seconds),
        this_order,
        took,
    )


def cells(found: Row) -> list[str]:
    """As printed."""
    micro = [getattr(found, f.name) * 1e6 for f in fields(Row)[3:-1]]
    return [
        found.model,
        f"{found.operators}",
        f"{found.budget:.0%}",
        *(f"{value:,.1f}" for value in micro),
        f"{found.gap:.2%}",
        f"{found.took:.1f}",
    ]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--target", default="tpu-v5e")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args(words)
    head = ["model", "operators", "budget", "off-chip", *SOLVERS]
    head += ["counted", "any order", "this order", "gap", "s"]
    print(f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n", flush=True)
    found: list[Row] = []
    for name in options.names or MODELS:
        for one in rows_of(name, options.target, options.seconds):
            print(f"| {' | '.join(cells(one))} |", flush=True)
            found.append(one)
    print(f"\nmean gap {sum(one.gap for one in found) / len(found):.2%}, largest"
          f" {max(one.gap for one in found):.2%}")  # fmt: skip
    if options.csv:
        with options.csv.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow([field.name for field in fields(Row)])
            table.writerows([getattr(one, f.name) for f in fields(Row)] for one in found)
    return int(any(one.gap < -1e-9 for one in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
