"""Curves: bytes on chip over the steps, the solver's value and bound over its seconds."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from cosmalloc.report.axes import (
    Columns,
    bytes_axis,
    canvas,
    extent,
    ints,
    scratchpad_line,
    seconds_axis,
    steps_axis,
    with_scratchpad,
)
from cosmalloc.report.palette import BLUE, GREEN, GREY, SKY, VERMILION
from cosmalloc.report.view import View

OCCUPANCY, PROGRESS = 170, 220  # pixels high
STYLE: dict[str, tuple[str, list[int]]] = {  # curve -> colour; pixels drawn, pixels left out
    "alive": (GREY, [2, 3]),
    "needed": (GREEN, [6, 4]),
    "held": (BLUE, []),
}


def occupancy(view: View, number: int) -> figure:
    """The figure `occupancy-NUMBER`: bytes held at each step; those that the step needs, below
    which no plan goes; those that would be held if nothing left before its last use."""
    curves = {"held": view.held, "alive": view.alive}
    if view.needed is not None:
        curves["needed"] = view.needed
    highest = max(int(curve.max(initial=1)) for curve in curves.values())
    across, up = extent(max(1, len(view.held))), extent(with_scratchpad(view.problem, highest))
    plot = canvas(f"occupancy-{number}", OCCUPANCY, across, up, "width")
    steps_axis(plot, "step")
    bytes_axis(plot, "on chip")
    columns: Columns = {"x": np.arange(len(view.held) + 1, dtype=np.int32)}
    for name, curve in curves.items():
        columns[name] = ints(np.append(curve, curve[-1] if len(curve) else 0))
    source = ColumnDataSource(columns)
    plot.varea_step(
        source=source, x="x", y1=0, y2="held", step_mode="after", fill_color=SKY, fill_alpha=0.4
    )
    for name, (colour, dash) in STYLE.items():
        if name in curves:
            plot.step(
                source=source,
                x="x",
                y=name,
                mode="after",
                line_color=colour,
                line_dash=dash,
                line_width=1.5,
            ).glyph.tags = [dash]
    plot.add_layout(scratchpad_line(view.problem))
    return plot


def progress(view: View, number: int) -> figure:
    """The figure `progress-NUMBER`: the best value falls, the proven bound rises."""
    moments = view.outcome.history
    end = max(moments[-1].seconds, 1e-6)
    known = [v for moment in moments for v in (moment.value, moment.bound) if v is not None]
    across, up = extent(1.02 * end), extent(1.08 * max([*known, 1e-9]))
    plot = canvas(f"progress-{number}", PROGRESS, across, up, "width")
    if view.outcome.objective == "latency":
        seconds_axis(plot, "latency", 1)
    else:
        bytes_axis(plot, view.outcome.objective)
    seconds_axis(plot, "time of the solver")
    for word, colour, dash in (("value", BLUE, "solid"), ("bound", VERMILION, "dashed")):
        points = [(moment.seconds, getattr(moment, word)) for moment in moments]
        points = [point for point in points if point[1] is not None]
        source = ColumnDataSource(
            {"x": [x for x, _ in points], "y": [y for _, y in points]}, name=f"{word}-{number}"
        )
        plot.step(source=source, mode="after", line_color=colour, line_dash=dash, line_width=2)
        plot.scatter(source=source, color=colour, size=6)
    return plot
