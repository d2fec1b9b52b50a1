"""`cosmalloc solve|verify|simulate`: problems and plans as JSON files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli import views as v
from cosmalloc.cli.console import print_facts, print_json, progress_bar
from cosmalloc.cli.costs import cost_numbers, note_outside
from cosmalloc.cli.map_command import explain_no_plan
from cosmalloc.cli.outputs import check_outputs

if TYPE_CHECKING:
    from cosmalloc.cost_model.operators import Costed
    from cosmalloc.mend import Advice
    from cosmalloc.problem import Problem

ProblemFile = Annotated[
    str, typer.Argument(metavar="PROBLEM.json", help="As `map --problem` writes it.")
]
PlanFile = Annotated[
    str, typer.Argument(metavar="PLAN.json", help="As `map --plan` and `solve -o` write it.")
]


def solve_(
    problem: ProblemFile,
    out: Annotated[str | None, typer.Option("-o", "--output", help="Write the plan here.")] = None,
    changed: Annotated[
        str | None,
        typer.Option("--problem", help="Write the problem with its changed machine here."),
    ] = None,
    target: o.TargetName = None,
    scratchpad: o.Scratchpad = None,
    alignment: o.Alignment = None,
    operand_rule: o.Rule = None,
    offchip_bandwidth: o.OffchipBandwidth = None,
    onchip_bandwidth: o.OnchipBandwidth = None,
    flops: o.Flops = None,
    objective: o.ObjectiveName = "traffic",
    solver: o.Solver = "auto",
    seconds: o.Seconds = 10.0,
    seed: o.Seed = 0,
    cost: o.Cost = None,
    kernels: o.KernelsOf = None,
    report: v.Report = None,
    trace: v.Trace = None,
    picture: v.Picture = None,
    as_json: o.AsJson = False,
) -> None:
    """Find a plan for a problem; options of the machine replace the problem's own."""
    from cosmalloc.cli.summary import facts, summary
    from cosmalloc.files import write_together
    from cosmalloc.plan_json import outcome_text
    from cosmalloc.problem_json import problem_text, read_problem
    from cosmalloc.solve import solve

    views = v.view_paths(report, trace, picture)
    check_outputs({"--output": out, "--problem": changed} | views)
    found = read_problem(problem)
    machine = o.machine(
        target,
        scratchpad,
        alignment,
        operand_rule,
        offchip_bandwidth,
        onchip_bandwidth,
        flops,
        found.target,
    )
    costed = _recosted(dataclasses.replace(found, target=machine), cost, kernels)
    found = costed.problem
    with progress_bar() as progress:
        outcome = solve(
            found,
            objective=o.objective(objective),
            solver=solver,
            seconds=seconds,
            seed=seed,
            progress=progress,
        )
    numbers = summary(found, outcome) | {"cost": cost_numbers(costed)}
    note_outside(costed)
    contents = v.view_files(found, outcome, report, trace, picture)
    if changed is not None:
        contents.append((changed, problem_text(found)))
    if out is not None:
        contents.append((out, outcome_text(outcome, found)))
    write_together(contents)
    if as_json:
        print_json(numbers)
    else:
        print_facts(found.name, facts(numbers))
        if picture == "-":
            v.show(found, outcome)
    if outcome.plan is None:
        explain_no_plan(found, outcome)
        raise typer.Exit(1)


MOST_EXPLAINED = 20  # faults; every mend is tried and judged


def verify_(
    problem: ProblemFile,
    plan: PlanFile,
    explain: Annotated[
        bool, typer.Option("--explain", help="Each fault in plain words, and how to mend it.")
    ] = False,
    as_json: o.AsJson = False,
) -> None:
    """Judge a plan: every fault, or the word that there is none."""
    from cosmalloc.errors import InputError
    from cosmalloc.mend import advise
    from cosmalloc.plan_json import read_outcome
    from cosmalloc.problem_json import read_problem
    from cosmalloc.verify import verify

    found = read_problem(problem)
    outcome = read_outcome(plan, found)
    if outcome.plan is None:
        raise InputError(f"{plan} holds no plan: its status is `{outcome.status}`")
    faults = verify(found, outcome.plan)
    told = faults[:MOST_EXPLAINED] if explain else []
    advices = [advise(found, outcome.plan, faults, fault) for fault in told]
    if as_json:
        entry = {"legal": not faults, "faults": [dataclasses.asdict(f) for f in faults]}
        print_json(entry | ({"advice": list(map(dataclasses.asdict, advices))} if explain else {}))
    elif advices:
        _print_advice(advices, len(faults))
    elif faults:
        for fault in faults:
            print(f"law {fault.law}: {fault.message}")
    else:
        print(f"legal: {len(outcome.plan.residencies)} residencies keep all seven laws")
    if faults:
        raise typer.Exit(1)


def _print_advice(advices: Sequence[Advice], count: int) -> None:
    for advice in advices:
        print(f"law {advice.law}: {advice.what}")
        print(f"  the law  {advice.rule}")
        print(f"  where    {advice.where}")
        tried = " (tried: this fault is gone then, and no new one comes)" if advice.tried else ""
        print(f"  mend     {advice.mend}{tried}")
    if count > len(advices):
        print(
            f"{count - len(advices)} more faults; mend these first, or see them without --explain"
        )


def _recosted(problem: Problem, cost: str | None, kernels: str | None) -> Costed:
    from cosmalloc.recost import recosted

    if kernels is not None:
        from cosmalloc.cli.rehearsal import rehearse

        rehearse(kernels)
    return recosted(problem, cost, kernels)


def simulate_(
    problem: ProblemFile,
    plan: PlanFile,
    cost: o.Cost = None,
    kernels: o.KernelsOf = None,
    as_json: o.AsJson = False,
) -> None:
    """The timeline of a plan in seconds."""
    from cosmalloc.cli.summary import time_words
    from cosmalloc.errors import InputError
    from cosmalloc.plan_json import read_outcome
    from cosmalloc.problem_json import read_problem
    from cosmalloc.simulate import simulate

    found = read_problem(problem)
    outcome = read_outcome(plan, found)
    if outcome.plan is None:
        raise InputError(f"{plan} holds no plan: its status is `{outcome.status}`")
    costed = _recosted(found, cost, kernels)
    note_outside(costed)
    timeline = simulate(costed.problem, outcome.plan)
    if as_json:
        print_json(dataclasses.asdict(timeline) | {"cost": cost_numbers(costed)})
        return
    stalls = sum(timeline.stall)
    print_facts(
        found.name,
        {
            "latency": time_words(timeline.latency),
            "stalls": f"{time_words(stalls)} at {sum(s > 0 for s in timeline.stall)} borders",
            "steps": str(len(timeline.step_start)),
            "copies": str(len(timeline.transfer_start)),
        },
    )
