"""What `map` and `solve` show of a plan beside numbers: report, trace, picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosmalloc.errors import InputError
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem

Report = Annotated[
    str | None,
    typer.Option("--report", help="Write an HTML page here: map, curves, timeline, traffic."),
]
Trace = Annotated[
    str | None, typer.Option("--trace", help="Write the timeline here, as JSON for Perfetto.")
]
Picture = Annotated[
    str | None,
    typer.Option(help="Draw the plan: a path ending in .svg or .png, or `-` for the terminal."),
]


def view_paths(report: str | None, trace: str | None, picture: str | None) -> dict[str, str | None]:
    """The options with the files they write. Raises InputError for a picture of another kind."""
    drawn = None if picture == "-" else picture
    if drawn is not None and Path(drawn).suffix not in (".svg", ".png"):
        raise InputError(f"--picture {drawn} ends in neither .svg nor .png")
    return {"--report": report, "--trace": trace, "--picture": drawn}


def view_files(
    problem: Problem, outcome: Outcome, report: str | None, trace: str | None, picture: str | None
) -> list[tuple[str, str | bytes]]:
    """The files and their contents; none without a plan."""
    files: list[tuple[str, str | bytes]] = []
    if outcome.plan is None:
        return files
    if report is not None:
        from cosmalloc.report import report_html, view_of

        files.append((report, report_html(view_of(problem, outcome))))
    if trace is not None:
        from cosmalloc.trace import trace_text

        files.append((trace, trace_text(problem, outcome.plan)))
    if picture is not None and picture != "-":
        from cosmalloc.plan_picture import draw

        files.append((picture, draw(problem, outcome, Path(picture).suffix)))
    return files


def show(problem: Problem, outcome: Outcome) -> None:
    """The picture on the terminal, if there is a plan."""
    from rich.console import Console

    from cosmalloc.plan_picture import terminal

    if outcome.plan is not None:
        console = Console(highlight=False)
        console.print(terminal(problem, outcome.plan, min(console.width, 120)))
