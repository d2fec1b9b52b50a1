"""What all drawings share: an empty figure that pans and zooms, and its axes' words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from bokeh.models import (
    AdaptiveTicker,
    CustomJSTickFormatter,
    NumeralTickFormatter,
    PanTool,
    Range1d,
)
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from cosmalloc.problem import Problem
from cosmalloc.report.palette import VERMILION

Columns = dict[str, Any]
Dimensions = Literal["both", "width", "height"]
EDGE = "#FFFFFF"  # between neighbours
BYTES = "return window.cosmalloc.bytes(tick)"
SECONDS = "return window.cosmalloc.seconds(tick)"


def canvas(name: str, height: int, across: Range1d, up: Range1d, drag: Dimensions) -> figure:
    """An empty figure, drawn with WebGL where there is one.

    Dragging moves it; keys, buttons and the wheel are the page's script's.
    """
    plot = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        x_range=across,
        y_range=up,
        tools=[PanTool(dimensions=drag)],
        toolbar_location=None,
        output_backend="canvas",
        min_border_left=84,
        min_border_right=12,
        lod_threshold=None,
    )
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
    plot.background_fill_color = plot.border_fill_color = None  # the page's own shows through
    plot.xgrid.grid_line_alpha = plot.ygrid.grid_line_alpha = 0.6
    return plot


def extent(stop: float, start: float = 0, least: float | None = None) -> Range1d:
    """The range of an axis, not to be left, and not to be narrowed below `least`."""
    return Range1d(start=start, end=stop, bounds=(start, stop), min_interval=least)


def steps_axis(plot: figure, label: str | None) -> None:
    """Steps to the right."""
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xaxis.ticker = AdaptiveTicker(min_interval=1, mantissas=[1, 2, 5])
    plot.xaxis.axis_label = label


def bytes_axis(plot: figure, label: str) -> None:
    """Bytes upwards, at round binary numbers."""
    plot.yaxis.formatter = CustomJSTickFormatter(code=BYTES)
    plot.yaxis.ticker = AdaptiveTicker(
        base=1024, mantissas=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], min_interval=1
    )
    plot.yaxis.axis_label = label


def seconds_axis(plot: figure, label: str, dimension: int = 0) -> None:
    """Seconds to the right, or (dimension 1) upwards."""
    axis = plot.axis[dimension]
    axis.formatter = CustomJSTickFormatter(code=SECONDS)
    axis.axis_label = label


def scratchpad_line(problem: Problem) -> Span:
    """The end of the scratchpad."""
    size = problem.target.scratchpad_bytes
    return Span(location=size, dimension="width", line_color=VERMILION, line_dash="dashed")


def with_scratchpad(problem: Problem, highest: int) -> float:
    """The top of an axis that reaches `highest` and, if that is not far beyond, the scratchpad."""
    size = problem.target.scratchpad_bytes
    return 1.04 * max(highest, size if size <= 3 * highest else 0, 1)


def ints(values: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The same in as few bytes as Bokeh sends: int32, or float64 where that is too small."""
    array = np.asarray(values, np.int64)
    return array.astype(np.int32 if np.abs(array).max(initial=0) < 2**31 else np.float64)
