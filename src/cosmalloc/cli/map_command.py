"""`cosmalloc map`: the main job, from a model to its mapped module, problem and plan."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cosmalloc.cli import emits as e
from cosmalloc.cli import options as o
from cosmalloc.cli import views as v
from cosmalloc.cli.console import note, print_facts, print_json, progress_bar
from cosmalloc.cli.costs import cost_numbers, note_outside
from cosmalloc.cli.outputs import check_outputs
from cosmalloc.cli.rehearsal import rehearse
from cosmalloc.errors import InputError, NoPlanError
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem

if TYPE_CHECKING:
    from cosmalloc.check import Checked
    from cosmalloc.map_model import MappedModel
    from cosmalloc.passes.doors import Opening


def map_(
    model: Annotated[
        str,
        typer.Argument(
            help="StableHLO, ONNX, TFLite, `.pt2`, TOSA, linalg, HLO: see `docs/doors.md`."
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", help="Mapped module; `.mlirbc` a portable artifact, else text."
        ),
    ] = None,
    emit: e.Emit = "mlir",
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
    group: o.Group = "fuse",
    cost: o.Cost = None,
    track: o.Track = None,
    bytes_per_element: o.BytesPerElement = None,
    weights: Annotated[
        str | None, typer.Option(help="Regular expression: arguments so named are weights.")
    ] = None,
    trip_count: Annotated[
        int | None, typer.Option(help="Trips of loops whose count is no constant.")
    ] = None,
    shape: o.Shapes = None,
    allow_opaque: o.AllowOpaque = False,
    name: Annotated[str | None, typer.Option(help="Name of the problem [the file's].")] = None,
    problem: Annotated[str | None, typer.Option(help="Write the problem as JSON here.")] = None,
    plan: Annotated[str | None, typer.Option(help="Write the plan as JSON here.")] = None,
    report: v.Report = None,
    trace: v.Trace = None,
    picture: v.Picture = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Run the mapped module and the original, and compare."),
    ] = False,
    as_json: o.AsJson = False,
) -> None:
    """Map a model into a scratchpad: order, addresses, copies; proven legal."""
    from cosmalloc.cli.summary import facts, summary
    from cosmalloc.files import write_together
    from cosmalloc.map_model import NOT_WRITTEN, map_model
    from cosmalloc.plan_json import outcome_text
    from cosmalloc.problem_json import problem_text

    views = v.view_paths(report, trace, picture)
    check_outputs(e.emit_paths(emit, out) | {"--problem": problem, "--plan": plan} | views)
    opening = o.opening(shape, allow_opaque)
    rehearse(model)
    machine = o.machine(
        target, scratchpad, alignment, operand_rule, offchip_bandwidth, onchip_bandwidth, flops
    )
    with progress_bar() as progress:
        mapped = map_model(
            model,
            target=machine,
            objective=o.objective(objective),
            solver=solver,
            seconds=seconds,
            seed=seed,
            group=o.way(group),
            cost=cost,
            track=cast(Any, o.word(track, ("activations", "all"), "--track")),
            bytes_per_element=bytes_per_element,
            weights=weights,
            trip_count=trip_count,
            shapes=opening.shapes,
            allow_opaque=allow_opaque,
            name=name,
            progress=progress,
        )
    written = check or (out is not None and emit != "c")
    if mapped.module is None and mapped.outcome.plan is not None and written:
        raise InputError(*NOT_WRITTEN)
    numbers = summary(mapped.problem, mapped.outcome) | {"cost": cost_numbers(mapped.costed)}
    checked = (
        run_both(model, mapped, seed, opening) if check and mapped.module is not None else None
    )
    if checked is not None:
        numbers["check"] = dataclasses.asdict(checked) | {"good": checked.good}
        if not checked.good:
            raise NoPlanError(
                f"the mapped module does not compute what {model} does: {check_words(checked)}",
                "nothing was written; this is a bug of cosmalloc, please report it",
            )
    if allow_opaque and mapped.module is not None:
        note_black_boxes(mapped)
    note_outside(mapped.costed)
    contents: list[tuple[str, str | bytes]] = []
    if problem is not None:
        contents.append((problem, problem_text(mapped.problem)))
    if plan is not None:
        contents.append((plan, outcome_text(mapped.outcome, mapped.problem)))
    contents += e.emit_files(emit, out, mapped)
    contents += v.view_files(mapped.problem, mapped.outcome, report, trace, picture)
    write_together(contents)
    if as_json:
        print_json(numbers)
    else:
        ran = {} if checked is None else {"check": check_words(checked)}
        print_facts(f"{mapped.problem.name}", facts(numbers) | ran)
        if picture == "-":
            v.show(mapped.problem, mapped.outcome)
    if mapped.outcome.plan is None:
        explain_no_plan(mapped.problem, mapped.outcome)
        raise typer.Exit(1)


def note_black_boxes(mapped: MappedModel) -> None:
    """Which operators are there by their bytes alone, on stderr."""
    from cosmalloc.passes.opaque import black_boxes

    assert mapped.module is not None
    with mapped.module.context:
        boxes = black_boxes(mapped.module.operation)
    if boxes:
        words = ", ".join(f"{name} ({count})" for name, count in sorted(boxes.items()))
        note(f"black boxes, whose arithmetic is not known: {words}")


def run_both(model: str, mapped: MappedModel, seed: int, opening: Opening) -> Checked:
    """The mapped module and the original one on the same random data."""
    from cosmalloc.check import check

    return check(model, mapped, seed, opening)


def check_words(checked: Checked) -> str:
    """How the runs compare."""
    bits = "equal bit for bit" if checked.same_bits else "DIFFERENT"
    odd = "" if checked.finite else "; some numbers are not finite, alike in both"
    return (
        f"{checked.outputs} outputs through the plan and without it {bits}, from the original"
        f" module {checked.distance:.1e} of the largest number apart{odd}"
    )


def explain_no_plan(problem: Problem, outcome: Outcome) -> None:
    """Why there is no plan, and what would do, on stderr."""
    from cosmalloc.sizes import format_bytes

    note(f"no plan: {outcome.reason}")
    least = outcome.smallest_scratchpad
    if least is not None:
        other = ", or use a target whose operand rule is `anywhere`"
        resident = problem.target.operand_rule == "resident"
        note(
            f"hint: `--scratchpad {least}` ({format_bytes(least)}) is the least that does"
            f"{other if resident else ''}"
        )
