"""The timeline in seconds: steps, stalls, loads and stores, a row each."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker
from bokeh.plotting import figure

from cosmalloc.report.axes import EDGE, canvas, extent, ints, seconds_axis
from cosmalloc.report.palette import ROWS
from cosmalloc.report.view import View
from cosmalloc.simulate import Timeline

HEIGHT = 190  # pixels
Slices = list[tuple[float, float, int]]  # start, stop, index of the step, wait or transfer


def timeline(view: View, line: Timeline, number: int) -> figure:
    """The figure `timeline-NUMBER`; its sources are called ROW-NUMBER."""
    across, up = extent(max(line.latency, 1e-12)), extent(4, -0.1)
    plot = canvas(f"timeline-{number}", HEIGHT, across, up, "width")
    seconds_axis(plot, "time")
    for floor, (word, slices) in zip((3, 2, 1, 0), rows(view, line).items(), strict=True):
        columns = {
            "left": np.array([start for start, _, _ in slices], np.float64),
            "right": np.array([stop for _, stop, _ in slices], np.float64),
            "index": ints([index for _, _, index in slices]),
        }
        plot.quad(
            source=ColumnDataSource(columns, name=f"{word}-{number}"),
            bottom=floor,
            top=floor + 0.8,
            fill_color=ROWS[word],
            line_color=EDGE,
            line_width=0.4,
            line_alpha=0.6,
        ).glyph.tags = ["edged"]
    plot.yaxis.ticker = FixedTicker(ticks=[0.4, 1.4, 2.4, 3.4])
    plot.yaxis.major_label_overrides = dict(zip((3.4, 2.4, 1.4, 0.4), ROWS, strict=True))
    plot.ygrid.visible = False
    return plot


def rows(view: View, line: Timeline) -> dict[str, Slices]:
    """Per row of the timeline its slices, in the order of ROWS."""
    steps = zip(line.step_start, line.step_stop, range(len(line.step_start)), strict=True)
    copies = zip(line.transfer_start, line.transfer_stop, view.plan.transfers, strict=True)
    moved = [(start, stop, copy.kind, i) for i, (start, stop, copy) in enumerate(copies)]
    return {
        "compute": list(steps),
        "stalls": [(wait.start, wait.stop, i) for i, wait in enumerate(view.waits)],
        "loads": [(start, stop, i) for start, stop, kind, i in moved if kind == "load"],
        "stores": [(start, stop, i) for start, stop, kind, i in moved if kind == "store"],
    }
