"""`cosmalloc cost`: what kernels cost: measure, train, adapt, evaluate, predict."""

from __future__ import annotations

import typer

from cosmalloc.cli import cost_learn, cost_measure, cost_predict

app = typer.Typer(no_args_is_help=True, help="What kernels cost: measure, train, predict.")
app.command("measure")(cost_measure.measure_)
app.command("train")(cost_learn.train_)
app.command("adapt")(cost_learn.adapt_)
app.command("evaluate")(cost_learn.evaluate_)
app.command("predict")(cost_predict.predict_)
