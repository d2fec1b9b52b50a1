"""`cosmalloc sweep`: traffic and latency against the size of the scratchpad."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_json, print_table, progress_bar
from cosmalloc.cli.outputs import check_outputs
from cosmalloc.cli.sources import HowToRead, Machine, problem_from
from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from cosmalloc.sweep import Cache, Case, Knee, Row


def sweep_(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL|PROBLEM.json...", help="One or several.")
    ],
    scratchpad: Annotated[
        str, typer.Option(help="A range of sizes, or a list: `1MiB,2MiB`.")
    ] = "256KiB..16MiB",
    points: Annotated[int, typer.Option(help="Sizes in the range, at equal ratios.")] = 12,
    target: o.TargetName = None,
    alignment: o.Alignment = None,
    operand_rule: o.Rule = None,
    objective: o.ObjectiveName = "traffic",
    solver: Annotated[str, typer.Option(help="Solvers, by commas.")] = "auto",
    seconds: Annotated[float, typer.Option(help="Time for the solver, for each size.")] = 10.0,
    seed: o.Seed = 0,
    group: o.Group = "fuse",
    track: o.Track = None,
    bytes_per_element: o.BytesPerElement = None,
    shape: o.Shapes = None,
    allow_opaque: o.AllowOpaque = False,
    engine: Annotated[str, typer.Option(help="`serial`, `processes` or `ray`.")] = "processes",
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes.")] = 2,
    cache: Annotated[
        str | None, typer.Option(help="Folder of finished rows [in the user's cache folder].")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither read finished rows nor keep them.")
    ] = False,
    picture: Annotated[str | None, typer.Option(help="Draw it: .png, .svg or .pdf.")] = None,
    csv: Annotated[str | None, typer.Option(help="Write the rows as CSV.")] = None,
    parquet: Annotated[str | None, typer.Option(help="Write the rows as parquet.")] = None,
    as_json: o.AsJson = False,
) -> None:
    """Map models at many scratchpad sizes, and mark where more buys little."""
    from cosmalloc.files import write_together
    from cosmalloc.sweep import knees

    if picture is not None and Path(picture).suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--picture {picture} ends in none of .png, .svg, .pdf")
    check_outputs({"--picture": picture, "--csv": csv, "--parquet": parquet})
    _check_installed(picture, parquet)
    reading = HowToRead(
        group=group,
        track=track,
        bytes_per_element=bytes_per_element,
        shapes=tuple(shape or ()),
        allow_opaque=allow_opaque,
    )
    machine = Machine(target, None, alignment, operand_rule)
    sized = (scratchpad, points)
    cases = _cases(models, machine, reading, sized, (solver, objective, seconds, seed))
    rows = _run(cases, engine, workers, _cache(cache, no_cache))
    found = knees(rows)
    write_together(_files(rows, found, picture, csv, parquet))
    if as_json:
        from cosmalloc.sweep.tables import json_value

        print_json(json_value(rows, found))
    else:
        _show(rows, found)
    if len(rows) < len(cases):
        note(f"interrupted: {len(rows)} of {len(cases)} rows; the same command goes on from here")
    if all(row.value is None for row in rows):
        raise typer.Exit(1)


def _check_installed(picture: str | None, parquet: str | None) -> None:
    """What the files need, before the work. Raises InputError."""
    if picture is not None:
        from cosmalloc.sweep.chart import matplotlib

        matplotlib()
    if parquet is not None:
        from cosmalloc.sweep.tables import pyarrow

        pyarrow()


def _cases(
    models: Sequence[str],
    machine: Machine,
    reading: HowToRead,
    sized: tuple[str, int],
    asked: tuple[str, str, float, int],
) -> list[Case]:
    """Models x sizes x solvers."""
    from cosmalloc.solve import solver_named
    from cosmalloc.sweep import Case, sizes_in

    solvers, objective, seconds, seed = asked
    goal = o.objective(objective)
    if not seconds >= 0:
        raise InputError(f"a solver can't have {seconds} seconds", "give 0 or more")
    for name in solvers.split(","):
        solver_named(name)
    cases = []
    for model in models:
        problem = problem_from(model, machine, reading)
        for name in solvers.split(","):
            cases += [
                Case(problem, size, name, goal, seconds, seed)
                for size in sizes_in(*sized, problem.target.alignment)
            ]
    names = [case.problem.name for case in cases]
    if len(set(names)) < len(models):
        raise InputError("two of the models have one name", "rename a file, or sweep them apart")
    return cases


def _cache(folder: str | None, off: bool) -> Cache | None:
    from cosmalloc.sweep import Cache, default_folder

    if off and folder is not None:
        raise InputError("--cache and --no-cache exclude each other", "give one of them")
    return None if off else Cache(folder or default_folder())


def _run(cases: list[Case], engine: str, workers: int, cache: Cache | None) -> list[Row]:
    """All rows, or at Ctrl-C those that are done."""
    from cosmalloc.sweep import sweep

    done: list[Row] = []
    with progress_bar() as show:

        def tell(row: Row, _known: bool) -> None:
            done.append(row)
            show(f"{row.model} at {row.scratchpad:,} bytes", len(done) / len(cases))

        try:
            return sweep(cases, engine=cast(Any, engine), workers=workers, cache=cache, done=tell)
        except KeyboardInterrupt:
            return sorted(done, key=lambda row: (row.model, row.solver, row.scratchpad))


def _files(
    rows: list[Row],
    knees: Sequence[Knee],
    picture: str | None,
    csv: str | None,
    parquet: str | None,
) -> list[tuple[str, str | bytes]]:
    files: list[tuple[str, str | bytes]] = []
    if picture is not None:
        from cosmalloc.sweep.chart import draw

        files.append((picture, draw(rows, knees, Path(picture).suffix)))
    if csv is not None:
        from cosmalloc.sweep.tables import csv_text

        files.append((csv, csv_text(rows)))
    if parquet is not None:
        from cosmalloc.sweep.tables import parquet_bytes

        files.append((parquet, parquet_bytes(rows)))
    return files


HEADS = ("model", "solver", "scratchpad", "status", "traffic", "latency", "peak", "seconds", "knee")


def _show(rows: Sequence[Row], knees: Sequence[Knee]) -> None:
    from cosmalloc.sweep.knee import RULE

    title = "sweep" if not rows else f"sweep, objective {rows[0].objective}; knee: {RULE}"
    print_table(title, HEADS, (_cells(row, knees) for row in rows), left=2)


def _cells(row: Row, knees: Sequence[Knee]) -> tuple[str, ...]:
    from cosmalloc.cli.summary import time_words
    from cosmalloc.sizes import format_bytes

    marks = [
        knee.measure
        for knee in knees
        if (knee.model, knee.solver, knee.scratchpad) == (row.model, row.solver, row.scratchpad)
    ]
    return (
        row.model,
        row.solver,
        format_bytes(row.scratchpad),
        row.status,
        "-" if row.traffic is None else format_bytes(row.traffic),
        "-" if row.latency is None else time_words(row.latency),
        "-" if row.peak is None else format_bytes(row.peak),
        f"{row.seconds:.2f}",
        ", ".join(marks),
    )
