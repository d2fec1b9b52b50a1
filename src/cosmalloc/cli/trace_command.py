"""`cosmalloc trace`: a plan's timeline for Perfetto."""

from __future__ import annotations

from typing import Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_json
from cosmalloc.cli.outputs import check_outputs
from cosmalloc.cli.report_command import read


def trace_(
    plan: Annotated[str, typer.Argument(metavar="PLAN.json", help="As `map --plan` writes it.")],
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="PROBLEM.json", help="What the plan answers [problem.json beside it]."
        ),
    ] = None,
    out: Annotated[str, typer.Option("-o", "--output", help="The trace.")] = "trace.json",
    as_json: o.AsJson = False,
) -> None:
    """Write the timeline of a plan in the Trace Event Format: open it in ui.perfetto.dev."""
    from cosmalloc.errors import NoPlanError
    from cosmalloc.files import write_whole
    from cosmalloc.trace import trace_text
    from cosmalloc.verify import verify

    check_outputs({"--output": out})
    found, outcome = read(plan, problem)
    if outcome.plan is None:
        raise NoPlanError(f"{plan} holds no plan: its status is `{outcome.status}`")
    faults = verify(found, outcome.plan)
    if faults:
        raise NoPlanError(
            f"{plan} is not legal: {faults[0]}", "`cosmalloc verify` lists every fault"
        )
    text = trace_text(found, outcome.plan)
    write_whole(out, text)
    if as_json:
        print_json({"output": out, "bytes": len(text.encode())})
    else:
        note(f"wrote {out}")
