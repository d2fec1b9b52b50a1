"""How fast the clocks are, against the size of a plan: `python -m benchmarks.clock [N ...]`.

The program is a chain of N operators with weights and skips under the rule `anywhere`, the plan is
`msa`'s. Columns: seconds of `simulate` in Python; of `FastClock.latency`, the plan's arrays made
from the plan each time; of the compiled clock alone from the first step to the last; and of the
compiled clock after one change (a random operand moved on or off the chip, or a copy taken away and
put back), median and 99th of 100. Times are the least of several runs. Takes a minute.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cosmalloc.latency.msa import msa_plan
from cosmalloc.native.clock import FastClock
from cosmalloc.plan import Plan
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.seconds import copy_seconds
from cosmalloc.simulate import simulate
from cosmalloc.target import Target

SIZES = (100, 300, 1_000, 3_000, 10_000)
CHANGES = 2_000
HEAD = (
    "operators",
    "copies",
    "python, ms",
    "from the plan, ms",
    "compiled, ms",
    "python / compiled",
    "one change, us",
    "its 99th, us",
)


def chain(operators: int, seed: int = 0) -> Problem:
    """Every operator reads what the one before made, a weight, and now and then an older result."""
    dice = random.Random(seed)
    tensors = [Tensor("x", 2**20, "input")]
    made = [0]
    nodes: list[Operator] = []
    for index in range(operators):
        reads = [made[-1]]
        far = made[max(0, len(made) - dice.randint(2, 60))]
        if dice.random() < 0.3 and far not in reads:
            reads.append(far)
        tensors.append(Tensor(f"w{index}", 4096 * dice.randint(1, 2048), "weight"))
        reads.append(len(tensors) - 1)
        kind = "output" if index == operators - 1 else "intermediate"
        tensors.append(Tensor(f"t{index}", 4096 * dice.randint(1, 1024), kind))
        made.append(len(tensors) - 1)
        sizes = tuple(tensors[t].bytes for t in reads)
        result = len(tensors) - 1
        compute = dice.random() * 2e-5
        nodes.append(
            Operator(
                f"o{index}", "chain", tuple(reads), (result,), sizes, (tensors[-1].bytes,), compute
            )
        )
    target = Target("chip", 16 * 2**20, 4096, "anywhere", 7e11, 7e11, 1.6e13, 1.6e13)
    return Problem(f"chain{operators}", target, tuple(tensors), tuple(nodes))


@dataclass(frozen=True)
class Row:
    """All in seconds. change: median of one change; slow: its 99th percentile."""

    operators: int
    copies: int
    python: float
    arrays: float
    compiled: float
    change: float
    slow: float


def measure(operators: int) -> Row:
    """One row; the clocks must agree."""
    problem = chain(operators)
    plan = msa_plan(problem)
    fast = FastClock(problem, plan.order)
    expected = simulate(problem, plan).latency
    if abs(fast.latency(plan) - expected) > 1e-12 * expected:
        raise AssertionError("the clocks disagree")
    raw = fast.raw(plan)
    changes = changed(problem, plan, fast)
    return Row(
        operators,
        len(plan.transfers),
        least(lambda: simulate(problem, plan), 5),
        least(lambda: fast.latency(plan), 5),
        least(raw.restart, 50),
        float(np.median(changes)),
        float(np.percentile(changes, 99)),
    )


def changed(problem: Problem, plan: Plan, fast: FastClock) -> list[float]:
    """Seconds of the clock after each of many random changes, the calls from Python with it."""
    raw, dice = fast.raw(plan), random.Random(0)
    near = fast.flags(plan).tolist()
    number = list(range(len(plan.transfers)))
    seconds: list[float] = []
    raw.latency()
    for _ in range(CHANGES):
        if dice.random() < 0.5 and number:
            index = dice.randrange(len(number))
            copy = plan.transfers[index]
            need = copy_seconds(problem, copy)
            began = time.perf_counter()
            raw.remove(number[index])
            raw.latency()
            took = time.perf_counter() - began
            number[index] = raw.add(copy.kind == "load", need, copy.start, copy.stop, index)
        else:
            access = dice.randrange(len(near))
            near[access] = not near[access]
            began = time.perf_counter()
            raw.set_near(access, bool(near[access]))
            raw.latency()
            took = time.perf_counter() - began
        seconds.append(took)
        raw.latency()
    return seconds


def least(work: Callable[[], object], times: int) -> float:
    """The least seconds of several runs."""
    found = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        found = min(found, time.perf_counter() - began)
    return found


def cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.operators:,}",
        f"{row.copies:,}",
        f"{row.python * 1e3:.2f}",
        f"{row.arrays * 1e3:.2f}",
        f"{row.compiled * 1e3:.3f}",
        f"{row.python / row.compiled:.0f}",
        f"{row.change * 1e6:.1f}",
        f"{row.slow * 1e6:.1f}",
    )


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES), metavar="N")
    print(f"| {' | '.join(HEAD)} |", f"|{'--:|' * len(HEAD)}", sep="\n", flush=True)
    for size in parser.parse_args(words).sizes:
        print(f"| {' | '.join(cells(measure(size)))} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
