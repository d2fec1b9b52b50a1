"""Traffic and latency against scratchpad size as one picture, knees marked; by matplotlib."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.sizes import format_bytes
from cosmalloc.sweep.case import Row
from cosmalloc.sweep.knee import Knee

# Okabe and Ito (2008): colours that most colour-blind people tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":", "-.")
SUFFIXES = (".png", ".svg", ".pdf")


def matplotlib() -> Any:
    """matplotlib with what is used of it. Raises InputError where it is missing."""
    try:
        for part in ("figure", "ticker"):
            importlib.import_module(f"matplotlib.{part}")
    except ImportError:
        raise InputError(
            "a picture needs matplotlib", "pip install matplotlib, or leave it out"
        ) from None
    return importlib.import_module("matplotlib")


def draw(rows: Sequence[Row], knees: Sequence[Knee], kind: str) -> bytes:
    """The picture. kind: `.png`, `.svg` or `.pdf`. Raises InputError."""
    plots = matplotlib()
    figure = plots.figure.Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, measure, unit in ((left, "traffic", 2**20), (right, "latency", 1e-3)):
        _curves(axes, rows, knees, measure, unit)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(
            plots.ticker.FuncFormatter(lambda at, _: format_bytes(int(at)))
        )
        axes.tick_params(axis="x", labelrotation=30)
        axes.set_xlabel("scratchpad")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    left.set_ylabel("traffic beyond the compulsory, MiB")
    right.set_ylabel("latency, ms")
    right.legend(fontsize="small", title="ring: knee", title_fontsize="small")
    out = io.BytesIO()
    with plots.rc_context({"svg.hashsalt": "cosmalloc"}):
        meta = (
            {"Date": None} if kind == ".svg" else {"CreationDate": None} if kind == ".pdf" else {}
        )
        figure.savefig(out, format=kind[1:], dpi=120, metadata=meta)
    return out.getvalue()


def _curves(
    axes: Any, rows: Sequence[Row], knees: Sequence[Knee], measure: str, unit: float
) -> None:
    pairs = list(dict.fromkeys((row.model, row.solver) for row in rows))
    several = len({solver for _, solver in pairs}) > 1
    models = list(dict.fromkeys(model for model, _ in pairs))
    solvers = list(dict.fromkeys(solver for _, solver in pairs))
    for model, solver in pairs:
        points = sorted(
            (row.scratchpad, value / unit)
            for row in rows
            if (row.model, row.solver) == (model, solver)
            and (value := getattr(row, measure)) is not None
        )
        colour = COLOURS[models.index(model) % len(COLOURS)]
        axes.plot(
            *(zip(*points, strict=True) if points else ([], [])),
            DASHES[solvers.index(solver) % len(DASHES)],
            marker=".",
            color=colour,
            label=f"{model}, {solver}" if several else model,
        )
        for knee in knees:
            if (knee.model, knee.solver, knee.measure) == (model, solver, measure):
                axes.plot(
                    [knee.scratchpad],
                    [knee.value / unit],
                    marker="o",
                    markersize=11,
                    fillstyle="none",
                    clip_on=False,
                    markeredgewidth=1.8,
                    color=colour,
                )
