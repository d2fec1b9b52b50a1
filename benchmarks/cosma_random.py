"""Random graphs, wired like RandWire's: how many `ilp` proves, and others beside it.

    python -m benchmarks.cosma_random [--operators 32 64] [--graphs 5] [--seconds 60]
        [--literal] [--peers PYTHON] [--ablation]

--literal: the paper's rows, in HiGHS. --peers: OR-Tools CP-SAT on the joint problem, in a Python
that has it. --ablation: instead, the search over states alone, part by part switched off.

A graph of n operators: a ring lattice of k = 4 neighbours, each edge rewired with probability 0.75
(Watts and Strogatz 1998; Xie et al., arXiv 1904.01569), directed from the lower to the higher
number; every operator sums its inputs into one tensor of 1 to 8 units. Scratchpads: M_R, the
largest operands and results of one operator, and M_H, the mean of that and the least peak
footprint. Bytes in KiB; peers run on one core each, one after the other.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cosmalloc.ilp.cosma import solve_cosma
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.ilp.states import search_states
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.problem_json import write_problem
from cosmalloc.solve import solve
from cosmalloc.target import Target
from cosmalloc.working_set import working_set_bytes

UNIT = 1024
NEIGHBOURS, REWIRED = 4, 0.75
HEAD = ("operators", "seed", "budget", "units", "by", "bytes", "bound", "gap", "proven", "seconds")
VARIANTS = (
    ("all", {}),
    ("no fixing", {"fixing": False}),
    ("walk alone", {"duals": False}),
)


@dataclass(frozen=True)
class Answer:
    """value: bytes, None without a plan. bound: bytes, no plan moves less."""

    value: float | None
    bound: float
    proven: bool
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """Value, bound, gap, proven, seconds."""
        value = "-" if self.value is None else f"{self.value / UNIT:.0f}"
        gap = "-"
        if self.value is not None:
            gap = f"{1 - self.bound / self.value:.0%}" if self.value else "0%"
        proven = "yes" if self.proven else "no"
        return (value, f"{self.bound / UNIT:.0f}", gap, proven, f"{self.seconds:.1f}")


def graph(operators: int, seed: int) -> Problem:
    """One input, `operators` sums, an output for everything nobody reads."""
    dice = random.Random(seed)
    edges: set[tuple[int, int]] = set()
    for node in range(operators):
        for step in range(1, NEIGHBOURS // 2 + 1):
            other = (node + step) % operators
            if dice.random() < REWIRED:
                other = dice.choice([each for each in range(operators) if each != node])
            edges.add((min(node, other), max(node, other)))
    read = {low for low, _ in edges}
    tensors = [Tensor("x", UNIT * dice.randint(1, 8), "input")]
    made = []
    for node in range(operators):
        reads = sorted(low + 1 for low, high in edges if high == node) or [0]
        kind = "intermediate" if node in read else "output"
        tensors.append(Tensor(f"t{node}", UNIT * dice.randint(1, 8), kind))  # type: ignore[arg-type]
        sizes = tuple(tensors[t].bytes for t in reads)
        ends = (tuple(reads), (node + 1,))
        made.append(Operator(f"o{node}", "sum", *ends, sizes, (tensors[-1].bytes,), 1e-6))
    target = Target("random", 2**40, 1, "resident", 4e9, 4e9, 64e9, 64e9)
    return Problem(f"random{operators}-{seed}", target, tuple(tensors), tuple(made))


def instances(operators: int, graphs: int, seconds: float) -> Iterator[tuple[int, str, Problem]]:
    """Seed, budget, problem."""
    for seed in range(graphs):
        roomy = graph(operators, seed)
        low = lowest_order(facts_of(roomy), seconds)
        m_r = max(working_set_bytes(roomy, o) for o in range(operators))
        m_h = (m_r + (low.load if low.order is not None else low.bound)) // 2
        for budget, size in (("M_R", m_r), ("M_H", m_h)):
            target = replace(roomy.target, scratchpad_bytes=size)
            yield seed, budget, replace(roomy, target=target)


def ours(problem: Problem, seconds: float, solver: str = "ilp") -> Answer:
    outcome = solve(problem, solver=solver, seconds=seconds)
    proven = outcome.status == "optimal"
    return Answer(outcome.value, outcome.bound or 0, proven, outcome.seconds)


def literal(problem: Problem, seconds: float) -> Answer:
    start = time.perf_counter()
    outcome = solve_cosma(problem, seconds)
    spent = time.perf_counter() - start
    return Answer(outcome.value, outcome.bound or 0, outcome.status == "optimal", spent)


def peer(name: str, python: str, problem: Problem, seconds: float) -> Answer:
    """The peer's answer in a process of its own, its start not counted."""
    script = Path(__file__).with_name("cosma_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.json"
        write_problem(path, problem)
        command = [python, str(script), name, str(path), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return Answer(found["value"], found["bound"], found["proven"], found["seconds"])


def searched(problem: Problem, seconds: float, **options: int) -> Answer:
    """The search over states alone: without regard to offsets."""
    start = time.perf_counter()
    found = search_states(facts_of(problem), seconds, 2**60, **options)
    value = None if found.path is None else found.path.paid
    return Answer(value, found.bound, found.proven, time.perf_counter() - start)


def answers(problem: Problem, options: argparse.Namespace) -> Iterator[tuple[str, Answer]]:
    """By whom, and the answer."""
    if options.ablation:
        for name, switches in VARIANTS:
            yield name, searched(problem, options.seconds, **switches)
        return
    yield "greedy", ours(problem, options.seconds, "greedy")
    yield "ilp", ours(problem, options.seconds)
    if options.peers:
        yield "cpsat", peer("cpsat", options.peers, problem, options.seconds)
    if options.literal:
        yield "literal", literal(problem, options.seconds)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--operators", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--graphs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--literal", action="store_true", help="the paper's rows as well")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python with the peers")
    parser.add_argument("--ablation", action="store_true", help="the search, part by part")
    options = parser.parse_args(words)
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    for operators in options.operators:
        proven: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for seed, budget, problem in instances(operators, options.graphs, options.seconds):
            units = f"{problem.target.scratchpad_bytes // UNIT}"
            for name, answer in answers(problem, options):
                row = (str(operators), str(seed), budget, units, name, *answer.cells())
                print(f"| {' | '.join(row)} |", flush=True)
                proven[name] += answer.proven
                total[name] += 1
        shares = (f"{name} {proven[name]} of {total[name]}" for name in total)
        print(f"{operators} operators, proven in {options.seconds:g} s: {', '.join(shares)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
