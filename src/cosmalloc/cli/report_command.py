"""`cosmalloc report`: one plan, or two side by side, as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_json
from cosmalloc.cli.outputs import check_outputs
from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from cosmalloc.plan import Outcome
    from cosmalloc.problem import Problem

PROBLEM = "problem.json"  # looked for beside the plan

Problems = Annotated[
    list[str] | None,
    typer.Option(
        "--problem",
        metavar="PROBLEM.json",
        help="What the plan answers [problem.json beside it]; twice where two plans answer two.",
    ),
]


def report_(
    plan: Annotated[str, typer.Argument(metavar="PLAN.json", help="As `map --plan` writes it.")],
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER.json]", help="A plan to compare with.")
    ] = None,
    problem: Problems = None,
    out: Annotated[str, typer.Option("-o", "--output", help="The page.")] = "report.html",
    as_json: o.AsJson = False,
) -> None:
    """Show a plan as an HTML page that needs nothing else; two plans side by side."""
    from cosmalloc.files import write_whole
    from cosmalloc.report import report_html, view_of

    plans = [plan] if other is None else [plan, other]
    check_outputs({"--output": out})
    pairs = zip(plans, _named(plans, problem), strict=True)
    views = [view_of(*read(path, named)) for path, named in pairs]
    text = report_html(*views)
    write_whole(out, text)
    if as_json:
        print_json({"output": out, "bytes": len(text.encode()), "plans": len(views)})
    else:
        note(f"wrote {out}")


def read(plan: str, problem: str | None) -> tuple[Problem, Outcome]:
    """A plan and what it answers: the problem named, or the one beside the plan. InputError."""
    from cosmalloc.plan_json import read_outcome
    from cosmalloc.problem_json import read_problem

    beside = Path(plan).parent / PROBLEM
    if problem is None and not beside.is_file():
        raise InputError(
            f"there is no {PROBLEM} beside {plan}", "name what it answers: `--problem PROBLEM.json`"
        )
    found = read_problem(problem or str(beside))
    return found, read_outcome(plan, found)


def _named(plans: list[str], problems: list[str] | None) -> list[str | None]:
    """Per plan its problem, None where it is the one beside it."""
    if not problems:
        return [None] * len(plans)
    if len(problems) == 1:
        return [problems[0]] * len(plans)
    if len(problems) != len(plans):
        raise InputError(f"{len(plans)} plans, {len(problems)} problems", "name one, or one each")
    return list(problems)
