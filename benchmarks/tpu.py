"""Programs x budgets of the fast memory on TPUs: XLA's own plans, ours, what XLA makes of ours.

    python -m benchmarks.tpu [--topology v5e] [--budgets 4,16,full] [--programs mlp,unet]
                             [--solver auto] [--seconds 1,10] [--cache FOLDER] [--json FILE]
    python -m benchmarks.tpu --exact --topology v4,v5e,v6e     our clock against the compiler's log

Needs the extra `tpu`. All times are microseconds on our clock (the compiler's cost model without
its bugs): everything in HBM; XLA as it is; XLA without cross-program prefetch; `msa`, if there is
such a solver; ours after some seconds of search; what XLA made of the last one, told by overrides;
the highest bound proven of the program's order. `gain` is ours against the better of XLA's two,
`closed` the share of the way from that to the bound. Nothing that libtpu says is kept but in the
folder named.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from benchmarks.tpu_programs import PROGRAMS
from cosmalloc.errors import InputError
from cosmalloc.ilp.latency import latency_bound
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import SOLVERS, solve
from cosmalloc.tpu import Tuned, Variant, topology, tune
from cosmalloc.tpu.compile import compile_for
from cosmalloc.tpu.exact import exactness
from cosmalloc.tpu.extract import extract_program
from cosmalloc.tpu.log import read_log
from cosmalloc.tpu.lower import lowered
from cosmalloc.tpu.overrides import PLAIN
from cosmalloc.tpu.solution import read_solution
from cosmalloc.verify import verify

MIB = 2**20
BUDGETS = "4,8,16,32,64,full"


@dataclass(frozen=True)
class Cell:
    """One program at one budget; seconds. None where there is none.

    xla, alone: XLA with and without cross-program prefetch; estimates are the compiler's own.
    ours: per seconds of search. told: XLA after our overrides; followed: of our plan, 0 to 1.
    """

    program: str
    topology: str
    budget: str
    operators: int
    all_hbm: float
    xla: float
    xla_estimate: float
    alone: float
    alone_estimate: float
    msa: float | None
    ours: dict[str, float]
    told: float | None
    told_estimate: float | None
    followed: float | None
    bound: float

    @property
    def theirs(self) -> float:
        return min(self.xla, self.alone)

    @property
    def last(self) -> float:
        """Ours after the longest search."""
        return list(self.ours.values())[-1]

    @property
    def gain(self) -> float:
        return 1 - self.last / self.theirs

    @property
    def closed(self) -> float | None:
        """None where XLA is at the bound."""
        way = self.theirs - self.bound
        return (self.theirs - self.last) / way if way > 1e-3 * self.theirs else None

    @property
    def survived(self) -> float | None:
        """Share of our gain that XLA's own plan shows after the overrides; None without gain."""
        won = self.theirs - self.last
        if self.told is None or won < 1e-3 * self.theirs:
            return None
        return (self.theirs - self.told) / won


def cell(
    name: str, machine: str, budget: str, solver: str, seconds: Sequence[float], cache: Path | None
) -> Cell:
    """Compile, solve for every time limit, compile again."""
    size = None if budget == "full" else int(budget) * MIB
    program = PROGRAMS[name]()
    tuned = tune(
        program.function,
        program.arguments,
        donated=program.donated,
        topology=machine,
        budget=size,
        solver=solver,
        seconds=seconds[-1],
        name=name,
        confirm=False,
        cache=cache,
    )
    problem = tuned.program.problem
    ours, bounds = {}, [0.0]
    for limit in seconds:
        outcome = tuned.outcome
        if limit != seconds[-1]:
            outcome = solve(problem, objective="latency", solver=solver, seconds=limit)
        ours[f"{limit:g}"] = judged(problem, outcome)
        bounds.append(outcome.bound or 0.0)
    bounds.append(latency_bound(problem, source_order(problem), seconds[-1]))
    told = told_variant(tuned)
    msa = None
    if "msa" in SOLVERS:
        msa = judged(problem, solve(problem, objective="latency", solver="msa"))
    default, alone = tuned.variants[:2]
    return Cell(
        program=name,
        topology=tuned.topology.name,
        budget=budget,
        operators=len(problem.operators),
        all_hbm=simulate(problem, Plan(source_order(problem))).latency,
        xla=default.seconds,
        xla_estimate=default.estimate,
        alone=alone.seconds,
        alone_estimate=alone.estimate,
        msa=msa,
        ours=ours,
        told=told.seconds if told else None,
        told_estimate=told.estimate if told else None,
        followed=tuned.followed(told) if told else None,
        bound=max(bounds),
    )


def told_variant(tuned: Tuned) -> Variant | None:
    """The best of the variants with overrides."""
    return min(tuned.variants[2:], key=lambda variant: variant.seconds, default=None)


def judged(problem: Problem, outcome: Outcome) -> float:
    """Seconds of a plan that the judge finds legal."""
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []
    return simulate(problem, outcome.plan).latency


def rows(cells: Sequence[Cell], seconds: Sequence[float]) -> Iterator[list[str]]:
    """Heading first."""
    limits = [f"{limit:g}" for limit in seconds]
    head = ["program", "MiB", "ops", "HBM", "XLA", "alone", "msa"]
    yield [*head, *(f"{s} s" for s in limits), "told", "bound", "gain", "closed", "followed"]
    for c in cells:
        yield [
            c.program,
            c.budget,
            str(c.operators),
            *map(_micro, (c.all_hbm, c.xla, c.alone, c.msa)),
            *(_micro(c.ours[s]) for s in limits),
            _micro(c.told),
            _micro(c.bound),
            *map(_share, (c.gain, c.closed, c.followed)),
        ]


def _micro(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e6:.1f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def summary(cells: Sequence[Cell]) -> str:
    """Means over programs x budgets."""
    closed = [c.closed for c in cells if c.closed is not None]
    survived = [c.survived for c in cells if c.survived is not None]
    worse = [f"{c.program}/{c.budget}" for c in cells if c.last > c.theirs * (1 + 1e-9)]
    return (
        f"mean gain {mean(c.gain for c in cells):.1%} over {len(cells)} cells; closed"
        f" {mean(closed):.0%} of the way to the bound over {len(closed)}; of the gain"
        f" {mean(survived) if survived else 0:.0%} survives in XLA over {len(survived)};"
        f" above XLA: {', '.join(worse) or 'none'}"
    )


def exact_rows(names: Sequence[str], machines: Sequence[str], cache: Path | None) -> Iterator[str]:
    """Our clock on XLA's plan, slices off, against every line of its simulator."""
    yield "| program | topology | compared | mismatches | ours µs | logged µs |"
    yield "|---|---|---:|---:|---:|---:|"
    for name in names:
        program = PROGRAMS[name]()
        module = lowered(program.function, program.arguments, program.donated)
        for machine in machines:
            where = topology(machine)
            answer = compile_for(module, where, PLAIN, cache=cache)
            read = extract_program(answer, where.target(), name, merge_views=False)
            plan = read_solution(read, answer, where).plan
            found = exactness(read, plan, read_log(answer.log))
            yield (
                f"| {name} | {machine} | {found.compared} | {len(found.mismatches)}"
                f" | {found.seconds * 1e6:.2f} | {found.logged * 1e6:.2f} |"
            )


def table(lines: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    head, *body = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--topology", default="v5e")
    parser.add_argument("--budgets", default=BUDGETS)
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--seconds", default="1,10")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--exact", action="store_true")
    options = parser.parse_args()
    names, machines = options.programs.split(","), options.topology.split(",")
    if options.exact:
        for line in exact_rows(names, machines, options.cache):
            print(line, flush=True)
        return
    seconds = [float(word) for word in options.seconds.split(",")]
    for machine in machines:
        cells = []
        for name in names:
            for budget in options.budgets.split(","):
                try:
                    found = cell(name, machine, budget, options.solver, seconds, options.cache)
                except InputError as error:
                    print(f"{name} at {budget} on {machine}: {error.fact}", flush=True)
                    continue
                cells.append(found)
                if options.json:
                    with options.json.open("a") as file:
                        file.write(json.dumps(asdict(found)) + "\n")
                print(" ".join(list(rows([found], seconds))[1]), flush=True)
        if cells:
            print(f"\n{machine}, microseconds\n\n{table(list(rows(cells, seconds)))}\n")
            print(summary(cells), flush=True)


if __name__ == "__main__":
    main()
