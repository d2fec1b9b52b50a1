"""`cosmalloc explain`: why a tensor or an operator is where it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import print_json
from cosmalloc.errors import InputError
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem


def explain_(
    plan: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="plan.json, or a mapped module as `map -o` writes it."),
    ],
    name: Annotated[
        str,
        typer.Argument(
            metavar="TENSOR|OPERATOR", help="A name, or `tensor:12`, `operator:3`, `step:5`."
        ),
    ],
    problem: Annotated[
        str | None, typer.Option(help="The plan's problem [problem.json beside the plan].")
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Say why a tensor or an operator is where it is, and what another place would cost."""
    from cosmalloc.explain import (
        explain_operator,
        explain_tensor,
        find,
        operator_words,
        tensor_words,
    )
    from cosmalloc.verify import verify

    found, answer = _read(plan, problem)
    faults = verify(found, answer)
    if faults:
        raise InputError(
            f"{plan} is not legal, it has {len(faults)} faults, the first: {faults[0]}",
            "`cosmalloc verify --explain` says what is wrong",
        )
    what = find(found, answer, name)
    stories: dict[str, Any] = {}
    lines: list[str] = []
    if what.operator is not None:
        operator = explain_operator(found, answer, what.operator)
        stories["operator"] = dataclasses.asdict(operator)
        lines += operator_words(operator)
    if what.tensor is not None:
        tensor = explain_tensor(found, answer, what.tensor)
        stories["tensor"] = dataclasses.asdict(tensor)
        lines += tensor_words(tensor)
    if as_json:
        print_json(stories)
    else:
        print("\n".join(lines))


def _read(plan: str, problem: str | None) -> tuple[Problem, Plan]:
    """A problem and its plan. Raises InputError."""
    if Path(plan).suffix == ".json":
        from cosmalloc.plan_json import read_outcome
        from cosmalloc.problem_json import read_problem

        beside = Path(plan).parent / "problem.json"
        if problem is None and not beside.is_file():
            raise InputError(f"there is no {beside}", "say where the plan's problem is: --problem")
        found = read_problem(problem or beside)
        outcome = read_outcome(plan, found)
    else:
        from cosmalloc.cli.rehearsal import rehearse
        from cosmalloc.passes import read_model, read_plan

        rehearse(plan)
        found, outcome = read_plan(read_model(plan)[0])
    if outcome.plan is None:
        raise InputError(f"{plan} holds no plan: its status is `{outcome.status}`")
    return found, outcome.plan
