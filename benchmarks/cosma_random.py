"""Random graphs, wired like RandWire's: how many `ilp` proves, and the literal model beside it.

    python -m benchmarks.cosma_random [--operators 32 64] [--graphs 5] [--seconds 60] [--literal]

A graph of n operators: a ring lattice of k = 4 neighbours, each edge rewired with probability 0.75
(Watts and Strogatz 1998; Xie et al., arXiv 1904.01569), directed from the lower to the higher
number; every operator sums its inputs into one tensor of 1 to 8 units. Scratchpads: M_R, the
largest operands and results of one operator, and the mean of that and the least peak footprint.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import replace

from cosmalloc.ilp.cosma import solve_cosma
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.plan import Outcome
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.solve import solve
from cosmalloc.target import Target
from cosmalloc.working_set import working_set_bytes

UNIT = 1024
NEIGHBOURS, REWIRED = 4, 0.75
HEAD = ("operators", "seed", "budget", "bytes", "greedy", "ours", "bound", "status", "seconds")


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


def cells(outcome: Outcome) -> tuple[str, ...]:
    """Value, bound, status, seconds."""
    numbers = (outcome.value, outcome.bound)
    texts = ("-" if number is None else f"{number / UNIT:.0f}K" for number in numbers)
    return (*texts, outcome.status, f"{outcome.seconds:.1f}")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--operators", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--graphs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--literal", action="store_true", help="the paper's rows as well")
    options = parser.parse_args(words)
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    for operators in options.operators:
        proven = total = 0
        for seed in range(options.graphs):
            roomy = graph(operators, seed)
            low = lowest_order(facts_of(roomy), options.seconds)
            m_r = max(working_set_bytes(roomy, o) for o in range(operators))
            m_h = (m_r + (low.load if low.order is not None else low.bound)) // 2
            for budget, size in (("M_R", m_r), ("M_H", m_h)):
                problem = replace(roomy, target=replace(roomy.target, scratchpad_bytes=size))
                greedy = solve(problem, solver="greedy", seconds=options.seconds)
                ours = solve(problem, solver="ilp", seconds=options.seconds)
                proven, total = proven + (ours.status == "optimal"), total + 1
                words_ = (str(operators), str(seed), budget, f"{size:,}", cells(greedy)[0])
                print(f"| {' | '.join((*words_, *cells(ours)))} |", flush=True)
                if options.literal:
                    print("|  |  | literal |", *cells(solve_cosma(problem, options.seconds)))
        print(f"{operators} operators: {proven} of {total} proven")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
