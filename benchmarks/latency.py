"""Latency of `msa`, `greedy` and `search` on programs at several scratchpads, in microseconds.

    python -m benchmarks.latency [--seconds S] [--sizes 4MiB,16MiB,...] [--json FILE] [NAME ...]
    python -m benchmarks.latency --folder FOLDER [--seconds S] [--proving S] [WORD ...]

NAME: an example model (see examples/models), read for the target tpu-v5e with every tensor
tracked, or a problem.json of any target with the rule `anywhere`. Columns: everything off-chip;
XLA's decisions without and with its pinned weight; `greedy`; `search` in S seconds (and its moves a
second); the bound that holds for every plan. `less`: what search takes less than the better `msa`;
`closed`: of the way from there to the bound. Every plan is verified. Takes S seconds and a little
for each row; 28 rows by default. With --folder it runs against plans that others made, see
benchmarks/latency_rivals.py: S seconds and those of proving for each row.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import latency_rivals as rivals
from cosmalloc.interchange import read_problem
from cosmalloc.latency.msa import Msa, msa_plan
from cosmalloc.map_model import problem_of
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.sizes import format_bytes, parse_bytes
from cosmalloc.solve import solve
from cosmalloc.verify import verify
from examples.models.export import ARTIFACTS

NAMES = (
    "bert_base",
    "decode_step",
    "mobilenet_v2",
    "resnet50",
    "train_step",
    "transformer_layer",
    "unet",
)
SIZES = "1MiB,4MiB,16MiB,64MiB"
HEAD = (
    "program",
    "steps",
    "scratchpad",
    "off-chip",
    "msa",
    "msa, pinned",
    "greedy",
    "search",
    "bound",
    "less",
    "closed",
)


@dataclass(frozen=True)
class Row:
    """All in seconds but the first three."""

    program: str
    steps: int
    scratchpad: int
    off_chip: float
    msa: float
    pinned: float
    greedy: float
    search: float
    bound: float

    @property
    def rival(self) -> float:
        return min(self.msa, self.pinned)

    @property
    def less(self) -> float:
        return 1 - self.search / self.rival

    @property
    def closed(self) -> float | None:
        """None where there is no way to go."""
        way = self.rival - self.bound
        return (self.rival - self.search) / way if way > 1e-9 * self.rival else None


def latency_of(problem: Problem, plan: Plan | None) -> float:
    """Seconds of a plan that the judge has nothing against."""
    if plan is None:
        raise AssertionError("everything off-chip is a plan")
    faults = verify(problem, plan)
    if faults:
        raise AssertionError(f"{problem.name}: {faults[0]}")
    return simulate(problem, plan).latency


def measure(program: str, problem: Problem, seconds: float, seed: int) -> Row:
    """One row."""
    solved = {
        name: solve(problem, objective="latency", solver=name, seconds=seconds, seed=seed)
        for name in ("greedy", "search")
    }
    plain = msa_plan(problem)
    return Row(
        program,
        len(problem.operators),
        problem.target.scratchpad_bytes,
        latency_of(problem, Plan(plain.order)),
        latency_of(problem, plain),
        latency_of(problem, msa_plan(problem, replace(Msa.of(problem.target), cross_program=True))),
        latency_of(problem, solved["greedy"].plan),
        latency_of(problem, solved["search"].plan),
        bound(problem, "latency"),
    )


def programs(names: Sequence[str], sizes: Sequence[int]) -> Iterator[tuple[str, Problem]]:
    """Example models at every size, problems as they are."""
    for name in names:
        if name.endswith(".json"):
            yield Path(name).name.removesuffix(".problem.json"), read_problem(name)
            continue
        problem = problem_of(ARTIFACTS / f"{name}.mlirbc", target="tpu-v5e", track="all")
        for size in sizes:
            target = replace(problem.target, scratchpad_bytes=size)
            yield name, replace(problem, target=target)


def cells(row: Row) -> tuple[str, ...]:
    seconds = (row.off_chip, row.msa, row.pinned, row.greedy, row.search, row.bound)
    return (
        row.program,
        f"{row.steps:,}",
        format_bytes(row.scratchpad),
        *(f"{each * 1e6:,.1f}" for each in seconds),
        f"{row.less:.1%}",
        "-" if row.closed is None else f"{row.closed:.0%}",
    )


def against_others(folder: Path, words: Sequence[str], seconds: float, proving: float) -> None:
    """The table of a folder, and its means."""
    print(f"| {' | '.join(rivals.HEAD)} |", f"|{'---|' * len(rivals.HEAD)}", sep="\n", flush=True)
    rows = []
    for duel in rivals.duels(folder, words, seconds, proving):
        rows.append(duel)
        print(f"| {' | '.join(rivals.cells(duel))} |", flush=True)
    print(f"\n{rivals.summary(rows)}" if rows else f"no problem with a plan in {folder}")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", type=Path, help="problems with plans that others made")
    parser.add_argument("--proving", type=float, default=20.0, help="seconds for a bound")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", default=SIZES, help="scratchpads of the example models")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    if options.folder:
        against_others(options.folder, options.names, options.seconds, options.proving)
        return 0
    sizes = [parse_bytes(size) for size in options.sizes.split(",")]
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    rows = []
    began = time.perf_counter()
    for program, problem in programs(options.names or NAMES, sizes):
        rows.append(measure(program, problem, options.seconds, options.seed))
        print(f"| {' | '.join(cells(rows[-1]))} |", flush=True)
    ways = [row.closed for row in rows if row.closed is not None]
    less = sum(row.less for row in rows) / len(rows)
    closed = sum(ways) / max(1, len(ways))
    took = time.perf_counter() - began
    print(f"\n{len(rows)} rows in {took:.0f} s: {less:.1%} less, {closed:.0%} of the way closed")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
