"""`cosmalloc compare`: every solver and baseline on one problem."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_json, print_table, progress_bar
from cosmalloc.cli.costs import cost_numbers, note_outside
from cosmalloc.cli.sources import HowToRead, Machine, costed_from
from cosmalloc.cost_model.operators import Costed
from cosmalloc.problem import Problem

if TYPE_CHECKING:
    from cosmalloc.compare import Row
    from cosmalloc.plan import Objective


def compare_(
    source: Annotated[
        str, typer.Argument(metavar="MODEL|PROBLEM.json", help="A model, or a problem's JSON.")
    ],
    only: Annotated[
        str | None, typer.Option(help="Names, by commas, instead of every solver and baseline.")
    ] = None,
    target: o.TargetName = None,
    scratchpad: o.Scratchpad = None,
    alignment: o.Alignment = None,
    operand_rule: o.Rule = None,
    objective: o.ObjectiveName = "traffic",
    seconds: Annotated[float, typer.Option(help="Time for each.")] = 10.0,
    seed: o.Seed = 0,
    group: o.Group = "fuse",
    cost: o.Cost = None,
    kernels: o.KernelsOf = None,
    track: o.Track = None,
    bytes_per_element: o.BytesPerElement = None,
    shape: o.Shapes = None,
    allow_opaque: o.AllowOpaque = False,
    as_json: o.AsJson = False,
) -> None:
    """Run every solver and baseline on one problem; Ctrl-C keeps the rows done."""
    goal = o.objective(objective)
    machine = Machine(target, scratchpad, alignment, operand_rule)
    costed = costed_from(
        source,
        machine,
        HowToRead(group, cost, kernels, track, bytes_per_element, tuple(shape or ()), allow_opaque),
    )
    from cosmalloc.compare import contestants, with_gaps

    problem = costed.problem
    note_outside(costed)
    names = tuple(only.split(",")) if only else contestants(problem)
    found = with_gaps(problem, goal, _rows(problem, goal, names, seconds, seed))
    interrupted = len(found) < len(names)
    if as_json:
        print_json(_as_json(costed, goal, found, interrupted))
    else:
        _print_table(problem, goal, found)
    if interrupted:
        note(f"interrupted: {len(found)} of {len(names)} rows")
    for row in found:
        if row.value is None and row.kind == "solver":
            note(f"{row.name}: no plan: {row.reason}")
    if all(row.value is None for row in found):
        raise typer.Exit(1)


def _rows(
    problem: Problem, goal: Objective, names: Sequence[str], seconds: float, seed: int
) -> list[Row]:
    """The rows that are done when the last is, or at Ctrl-C."""
    from cosmalloc.compare import compare

    found: list[Row] = []
    with progress_bar() as show, _told_of_ctrl_c() as pressed:
        for index, name in enumerate(names):
            here = index / len(names)

            def inner(words: str, share: float, name: str = name, here: float = here) -> None:
                show(f"{name}: {words}", here + share / len(names))

            show(name, here)
            try:
                found += compare(
                    problem,
                    objective=goal,
                    seconds=seconds,
                    seed=seed,
                    names=[name],
                    progress=inner,
                )
            except KeyboardInterrupt:
                break
            if pressed:
                break
    return found


@contextmanager
def _told_of_ctrl_c() -> Iterator[list[int]]:
    """A list that fills at Ctrl-C, also where a solver ends on it with the best plan so far."""
    pressed: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not the main thread: Ctrl-C goes elsewhere
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _as_json(
    costed: Costed, goal: Objective, rows: Sequence[Row], interrupted: bool
) -> dict[str, object]:
    problem = costed.problem
    return {
        "problem": problem.name,
        "target": problem.target.name,
        "operand_rule": problem.target.operand_rule,
        "scratchpad_bytes": problem.target.scratchpad_bytes,
        "objective": goal,
        "cost": cost_numbers(costed),
        "interrupted": interrupted,
        "rows": [dataclasses.asdict(row) for row in rows],
    }


HEADS = ("solver", "status", "traffic", "latency", "peak", "bound", "gap", "seconds")


def _print_table(problem: Problem, goal: Objective, rows: Sequence[Row]) -> None:
    from cosmalloc.sizes import format_bytes

    target = problem.target
    title = (
        f"{problem.name} on {target.name}, scratchpad {format_bytes(target.scratchpad_bytes)},"
        f" operands {target.operand_rule}, objective {goal}"
    )
    lines = ((row.name, row.status, *_cells(row, goal)) for row in rows)
    print_table(title, HEADS, lines, left=2)


def _cells(row: Row, goal: Objective) -> tuple[str, ...]:
    from cosmalloc.cli.summary import time_words
    from cosmalloc.sizes import format_bytes

    def size(count: float | None) -> str:
        return "-" if count is None else format_bytes(int(count))

    def time(seconds: float | None) -> str:
        return "-" if seconds is None else time_words(seconds)

    return (
        size(row.traffic),
        time(row.latency),
        size(row.peak),
        (time if goal == "latency" else size)(row.bound),
        "-" if row.gap is None else f"{row.gap:.1%}",
        f"{row.seconds:.2f}",
    )
