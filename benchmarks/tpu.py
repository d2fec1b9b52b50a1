"""Programs x budgets of the fast memory on TPUs: XLA's own plans, ours, what XLA makes of ours.

    python -m benchmarks.tpu [--topology v5e] [--budgets 4,16,full] [--programs mlp,unet]
                             [--solver auto] [--seconds 1,10] [--cache FOLDER] [--json FILE]
                             [--minutes 60]
    python -m benchmarks.tpu --json FILE --longer 60 [--topology v5e] …
                                                           only searched longer, of cells it has
    python -m benchmarks.tpu --json FILE --show                the tables of what the file has
    python -m benchmarks.tpu --exact --topology v4,v5e,v6e     our clock against the compiler's log

Needs the extra `tpu`. All times are microseconds on our clock (the compiler's cost model without
its bugs): everything in HBM; XLA as it is; XLA without cross-program prefetch; `msa`, if there is
such a solver; ours after some seconds of search; what XLA made of the last one, told by overrides;
the highest bound proven of the program's order. `gain` is ours against the better of XLA's two,
`closed` the share of the way from that to the bound, `survived` the share of our gain that `told`
has. `--json` gets a line per cell; cells that it has are not run again, so a run that was ended (by
Ctrl-C, `kill`, or after `--minutes`) goes on where it was. A cell takes the seconds of search once
and a half, and three to ten compilations; with `--longer` the search alone, and nothing where the
plan at hand is at the bound. Nothing that libtpu says is kept but in the folder and the file named.
Runs with other `--seconds` may share a file: `--show` joins them (of the programs named).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.tpu_cells import Cell, kept, merged, rows, shown
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
from cosmalloc.tpu.compiler import Compiler
from cosmalloc.tpu.exact import exactness
from cosmalloc.tpu.extract import extract_program
from cosmalloc.tpu.log import read_log
from cosmalloc.tpu.lower import lowered
from cosmalloc.tpu.overrides import PLAIN
from cosmalloc.tpu.solution import read_solution
from cosmalloc.verify import verify

MIB = 2**20
BUDGETS = "4,8,16,32,64,full"


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
    bounds.append(latency_bound(problem, source_order(problem), seconds[-1] / 2))
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
        bound=min(max(bounds), *ours.values()),
        force=told.name if told else None,
        solver=f"{solver} {','.join(ours)}",
    )


def searched_longer(
    known: Cell, name: str, machine: str, budget: str, solver: str, limit: float, cache: Path | None
) -> Cell:
    """`known` after so many seconds of search; as it is where its plan is at its bound."""
    found, bound = known.last, known.bound
    if found > bound * (1 + 1e-9):
        program = PROGRAMS[name]()
        where = topology(machine)
        module = lowered(program.function, program.arguments, program.donated)
        size = None if budget == "full" else int(budget) * MIB
        answer = Compiler(module, where, size, 600, cache).compile({})
        problem = extract_program(answer, where.target(size), name).problem
        outcome = solve(problem, objective="latency", solver=solver, seconds=limit)
        found = judged(problem, outcome)
        bound = min(max(bound, outcome.bound or 0.0), found, *known.ours.values())
    return replace(known, ours={f"{limit:g}": found}, bound=bound, solver=f"{solver} {limit:g}")


def told_variant(tuned: Tuned) -> Variant | None:
    """The best of the variants with overrides."""
    return min(tuned.variants[2:], key=lambda variant: variant.seconds, default=None)


def judged(problem: Problem, outcome: Outcome) -> float:
    """Seconds of a plan that the judge finds legal."""
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []
    return simulate(problem, outcome.plan).latency


def exact_rows(names: Sequence[str], machines: Sequence[str], cache: Path | None) -> Iterator[str]:
    """Our clock on XLA's plan, slices off, against every line of its simulator.

    XLA moves views (of less than a nanosecond) after it simulated, so a copy's place among them is
    not told: the program's order and the final one are both tried, the better counts.
    """
    yield "| program | topology | compared | mismatches | ours µs | logged µs |"
    yield "|---|---|---:|---:|---:|---:|"
    for name in names:
        program = PROGRAMS[name]()
        module = lowered(program.function, program.arguments, program.donated)
        for machine in machines:
            where = topology(machine)
            answer = compile_for(module, where, PLAIN, cache=cache)
            read = extract_program(answer, where.target(), name, merge_views=False, once=True)
            log = read_log(answer.log)
            plans = [
                read_solution(read, answer, where, as_it_ran=ran).plan for ran in (True, False)
            ]
            tried = [exactness(read, plan, log) for plan in plans]
            found = min(tried, key=lambda exact: len(exact.mismatches))
            yield (
                f"| {name} | {machine} | {found.compared} | {len(found.mismatches)}"
                f" | {found.seconds * 1e6:.2f} | {found.logged * 1e6:.2f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--topology", default="v5e")
    parser.add_argument("--budgets", default=BUDGETS)
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--seconds", default="1,10")
    parser.add_argument("--longer")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    names, machines = options.programs.split(","), options.topology.split(",")
    if options.show:
        cells = [each for each in kept(options.json) if each.program in names]
        print("\n".join(shown(merged(cells))))
        return
    told = Told()
    try:
        if options.exact:
            for line in exact_rows(names, machines, options.cache):
                print(line, flush=True)
        else:
            run(names, machines, options, told)
    except KeyboardInterrupt:
        print("ended; the same command goes on where this one was", file=sys.stderr)
        sys.exit(128 + told.signal)


class Told:
    """Told to end, by Ctrl-C or `kill`: KeyboardInterrupt, so that the compiler's child ends, too.

    A search that is interrupted brings its best plan so far, which is no figure: hence `signal`.
    """

    def __init__(self) -> None:
        self.signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: object) -> None:
        self.signal = number
        raise KeyboardInterrupt


def run(
    names: Sequence[str], machines: Sequence[str], options: argparse.Namespace, told: Told
) -> None:
    """The cells that the file does not have yet, then the tables."""
    limits = [f"{float(word):g}" for word in (options.longer or options.seconds).split(",")]
    label = f"{options.solver} {','.join(limits)}"
    all_known = {c.key: c for c in merged(list(kept(options.json)))}
    known = {c.key: c for c in kept(options.json) if c.solver == label}
    stop = time.monotonic() + 60 * options.minutes
    cells = []
    for machine in machines:
        for budget in options.budgets.split(","):
            for name in names:
                key = (topology(machine).name, name, budget)
                found = known.get(key)
                if found is None and time.monotonic() < stop:
                    found = attempt(all_known.get(key), name, machine, budget, options, told)
                if found is not None:
                    cells.append(found)
    print("\n".join(shown(cells)), flush=True)


def attempt(
    known: Cell | None,
    name: str,
    machine: str,
    budget: str,
    options: argparse.Namespace,
    told: Told,
) -> Cell | None:
    """One cell, noted in the file; None where the compiler has no answer, or `known` is to be
    searched longer and is not there."""
    began = time.monotonic()
    where = (name, machine, budget, options.solver)
    try:
        if not options.longer:
            seconds = [float(word) for word in options.seconds.split(",")]
            found = cell(*where, seconds, options.cache)
        elif known is None:
            return None
        else:
            found = searched_longer(known, *where, float(options.longer), options.cache)
    except InputError as error:
        print(f"{name} at {budget} on {machine}: {error.fact}", file=sys.stderr, flush=True)
        return None
    if told.signal:
        raise KeyboardInterrupt
    if options.json:
        with options.json.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
    line = " ".join(list(rows([found]))[1])
    print(f"{machine} {line} [{time.monotonic() - began:.0f} s]", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
