"""`cosmalloc tpu tune`: compiler options under which XLA's plan for a TPU is faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_facts, print_json, progress_bar
from cosmalloc.cli.outputs import check_outputs

if TYPE_CHECKING:
    from cosmalloc.tpu import Tuned

app = typer.Typer(
    help="XLA's compiler for TPUs, ahead of time; needs `pip install 'cosmalloc[tpu]'`, no TPU.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _tpu() -> None:
    """Keep `tune` a word of its own, though it is the only one."""


@app.command("tune")
def tune_(
    model: Annotated[
        str, typer.Argument(help="StableHLO: text, MLIR bytecode, portable artifact.")
    ],
    out: Annotated[
        str | None, typer.Option("-o", "--output", help="Write the compiler options here, JSON.")
    ] = None,
    topology: Annotated[str, typer.Option(help="v4, v5e, v5p or v6e.")] = "v5e:2x2",
    budget: Annotated[
        str | None, typer.Option(help="Bytes of the fast memory to use, `16MiB` [all].")
    ] = None,
    solver: o.Solver = "auto",
    seconds: o.Seconds = 10.0,
    seed: o.Seed = 0,
    confirm: Annotated[
        bool, typer.Option(help="Run the compiler's back end with the options found.")
    ] = True,
    compile_seconds: Annotated[float, typer.Option(help="Time limit of one compilation.")] = 600.0,
    cache: Annotated[
        str | None, typer.Option(help="Folder that keeps the compiler's answers.")
    ] = None,
    problem: Annotated[str | None, typer.Option(help="Write the problem as JSON here.")] = None,
    plan: Annotated[str | None, typer.Option(help="Write the plan as JSON here.")] = None,
    as_json: o.AsJson = False,
) -> None:
    """Find compiler options that make XLA place tensors as our plan says; never a slower plan."""
    import json
    from pathlib import Path

    from cosmalloc.files import read_bytes, write_together
    from cosmalloc.plan_json import outcome_text
    from cosmalloc.problem_json import problem_text
    from cosmalloc.sizes import parse_bytes
    from cosmalloc.tpu import tune

    check_outputs({"--output": out, "--problem": problem, "--plan": plan})
    with progress_bar() as progress:
        tuned = tune(
            read_bytes(model),
            topology=topology,
            budget=None if budget is None else parse_bytes(budget),
            solver=solver,
            seconds=seconds,
            seed=seed,
            name=Path(model).name.split(".")[0],
            confirm=confirm,
            compile_seconds=compile_seconds,
            cache=cache,
            progress=progress,
        )
    contents: list[tuple[str, str]] = []
    if out is not None:
        contents.append((out, json.dumps(tuned.best.options, indent=2) + "\n"))
    if problem is not None:
        contents.append((problem, problem_text(tuned.program.problem)))
    if plan is not None:
        contents.append((plan, outcome_text(tuned.outcome, tuned.program.problem)))
    write_together(contents)
    if as_json:
        print_json(numbers(tuned))
    else:
        print_facts(tuned.program.problem.name, facts(tuned))
    if tuned.init_args:
        note(f"for this budget set LIBTPU_INIT_ARGS='{tuned.init_args}' before JAX starts")


def numbers(tuned: Tuned) -> dict[str, Any]:
    """What was found, for machines; seconds."""
    problem, outcome = tuned.program.problem, tuned.outcome
    return {
        "problem": problem.name,
        "topology": tuned.topology.name,
        "budget_bytes": tuned.budget,
        "operators": len(problem.operators),
        "tensors": len(problem.tensors),
        "plan": {"seconds": outcome.value, "bound": outcome.bound, "solver": outcome.solver},
        "variants": [
            {
                "name": each.name,
                "seconds": each.seconds,
                "compiler_estimate": each.estimate,
                "copies": each.copies,
                "copied_bytes": each.copied_bytes,
                "followed": tuned.followed(each),
            }
            for each in tuned.variants
        ],
        "best": tuned.best.name,
        "gain": 1 - tuned.best.seconds / tuned.alone.seconds if tuned.alone.seconds else 0.0,
        "dropped": tuned.dropped,
        "options": tuned.best.options,
        "init_args": tuned.init_args,
    }


def facts(tuned: Tuned) -> dict[str, str]:
    """The same in words."""
    from cosmalloc.cli.summary import time_words
    from cosmalloc.sizes import format_bytes

    problem, outcome = tuned.program.problem, tuned.outcome
    found = {
        "program": f"{len(problem.operators)} operators, {len(problem.tensors)} tensors",
        "machine": f"{tuned.topology.name}, {format_bytes(tuned.budget)} of"
        f" {tuned.topology.fast_memory}",
    }
    if outcome.value is not None:
        proven = "" if outcome.bound is None else f", none is below {time_words(outcome.bound)}"
        found["our plan"] = f"{time_words(outcome.value)} by {outcome.solver}{proven}"
    for each in tuned.variants:
        share = f", follows our plan {tuned.followed(each):.0%}" if outcome.plan else ""
        found[f"XLA, {WORDS[each.name]}"] = (
            f"{time_words(each.seconds)} (its own estimate {time_words(each.estimate)}),"
            f" {each.copies} copies{share}"
        )
    alone, best = tuned.alone.seconds, tuned.best.seconds
    less = f"{1 - best / alone:.1%} less than XLA alone" if best < alone else "XLA alone is best"
    return found | {"best": f"{WORDS[tuned.best.name]}: {time_words(best)}, {less}"}


WORDS = {
    "default": "as it is",
    "alone": "without cross-program prefetch",
    "wish": "copies wished",
    "hint": "copies hinted",
    "sequence": "our sequence",
    "demand": "all demanded",
}
