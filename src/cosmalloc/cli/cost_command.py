"""`cosmalloc cost`: what kernels cost: measure, train, evaluate, predict."""

from __future__ import annotations

import typer

from cosmalloc.cli import cost_measure

app = typer.Typer(no_args_is_help=True, help="What kernels cost: measure, train, predict.")
app.command("measure")(cost_measure.measure_)
