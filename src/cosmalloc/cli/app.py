"""The commands in one application, and what happens to their errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from cosmalloc.cli import (
    agent_command,
    compare_command,
    cost_command,
    doctor_command,
    explain_command,
    map_command,
    opt_command,
    pack_command,
    problem_commands,
    report_command,
    sweep_command,
    target_command,
    tpu_command,
    trace_command,
)
from cosmalloc.errors import InputError, NoPlanError

app = typer.Typer(
    name="cosmalloc",
    help="Plan accelerator memory: operator order, scratchpad addresses and copies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help and errors in plain words, brackets as they are
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("map")(map_command.map_)
app.command("solve")(problem_commands.solve_)
app.command("verify")(problem_commands.verify_)
app.command("simulate")(problem_commands.simulate_)
app.command("report")(report_command.report_)
app.command("trace")(trace_command.trace_)
app.command("compare")(compare_command.compare_)
app.command("explain")(explain_command.explain_)
app.command("sweep")(sweep_command.sweep_)
app.command("pack")(pack_command.pack)
app.command("targets")(target_command.targets)
app.command("doctor")(doctor_command.doctor)
app.command("opt")(opt_command.opt)
app.add_typer(tpu_command.app, name="tpu")
app.add_typer(agent_command.app, name="agent")
app.add_typer(cost_command.app, name="cost")


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"cosmalloc {version('cosmalloc')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    del version


def run(words: Sequence[str] | None = None) -> None:
    """Run the command line; errors that a user can fix end in two lines and exit 2.

    words: the arguments, None for the process's own.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the planner needs no accelerator
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may hold anything
            stream.reconfigure(errors="backslashreplace")
    try:
        app(args=words)
    except InputError as error:
        _fail(error, 1 if isinstance(error, NoPlanError) else 2)
    except RecursionError:
        _fail(InputError("the input is nested too deeply"), 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _fail(error: InputError, code: int) -> NoReturn:
    print(f"error: {error.fact}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
    sys.exit(code)
