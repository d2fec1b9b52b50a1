"""The memory map: one rectangle per residency, steps across, addresses up."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from bokeh.palettes import Cividis256
from bokeh.plotting import figure

from cosmalloc.problem import TENSOR_KINDS
from cosmalloc.report.axes import (
    EDGE,
    Columns,
    bytes_axis,
    canvas,
    extent,
    ints,
    scratchpad_line,
    steps_axis,
    with_scratchpad,
)
from cosmalloc.report.palette import KINDS, VERMILION
from cosmalloc.report.view import View

HEIGHT = 460  # pixels
BOX = ("left", "right", "bottom", "top")


def memory_map(view: View, number: int, across: Range1d) -> figure:
    """The figure `map-NUMBER`. Renderers `by-kind` and `by-lifetime` draw the same rectangles, one
    of them visible; sources `stays`, `labels` and `chosen` are the script's to read and fill.
    """
    up = extent(with_scratchpad(view.problem, view.peak), least=1)
    plot = canvas(f"map-{number}", HEIGHT, across, up, "both")
    steps_axis(plot, None)
    bytes_axis(plot, "address")
    columns = residency_columns(view)
    stays = ColumnDataSource(columns, name=f"stays-{number}")
    for field, mapper in (("kind", _kinds()), ("lifetime", _lifetimes(columns))):
        plot.quad(
            source=stays,
            name=f"by-{field}-{number}",
            visible=field == "kind",
            fill_color={"field": field, "transform": mapper},
            line_color=EDGE,
            line_width=0.5,
            line_alpha=0.6,
        ).glyph.tags = ["edged"]
    _hatch(plot, loading(view), "dot")
    _hatch(plot, in_place(view), "right_diagonal_line")
    _labels_and_choice(plot, number)
    plot.add_layout(scratchpad_line(view.problem))
    return plot


def residency_columns(view: View) -> Columns:
    """One row per residency of the plan. lifetime: log2 of the steps from the tensor's first use to
    its last."""
    stays, tensors = view.stays, view.problem.tensors
    spans = [view.life.span(stay.tensor) for stay in stays]
    return {
        "left": ints([stay.start for stay in stays]),
        "right": ints([stay.stop for stay in stays]),
        "bottom": ints([stay.offset for stay in stays]),
        "top": ints([stay.offset + stay.bytes for stay in stays]),
        "tensor": ints([stay.tensor for stay in stays]),
        "ready": ints([stay.ready for stay in stays]),
        "load": ints([-1 if stay.load is None else stay.load for stay in stays]),
        "over": ints([-1 if stay.over is None else stay.over for stay in stays]),
        "kind": ints([TENSOR_KINDS.index(tensors[stay.tensor].kind) for stay in stays]),
        "lifetime": np.array([np.log2(max(1, b - a)) for a, b in spans], np.float32),
    }


def loading(view: View) -> Columns:
    """Boxes of residencies while their bytes are on their way."""
    return _boxes([(s.start, s.ready, s.offset, s.bytes) for s in view.stays if s.ready > s.start])


def in_place(view: View) -> Columns:
    """Boxes, one step wide, of the bytes that a result takes from an operand in place."""
    pairs = [(stay, view.stays[stay.over]) for stay in view.stays if stay.over is not None]
    return _boxes(
        [(new.start, new.start + 1, new.offset, min(new.bytes, old.bytes)) for new, old in pairs]
    )


def _boxes(rows: list[tuple[int, int, int, int]]) -> Columns:
    """rows: start, stop, offset, bytes."""
    return {
        "left": ints([row[0] for row in rows]),
        "right": ints([row[1] for row in rows]),
        "bottom": ints([row[2] for row in rows]),
        "top": ints([row[2] + row[3] for row in rows]),
    }


def _hatch(plot: figure, boxes: Columns, pattern: str) -> None:
    plot.quad(
        source=ColumnDataSource(boxes),
        fill_color=None,
        line_color=None,
        hatch_pattern=pattern,
        hatch_color="#000000",
        hatch_alpha=0.5,
        hatch_scale=7,
    )


def _labels_and_choice(plot: figure, number: int) -> None:
    labels = ColumnDataSource({key: [] for key in ("x", "y", "text", "colour")})
    labels.name = f"labels-{number}"
    plot.text(
        source=labels,
        text_color="colour",
        text_font_size="11px",
        text_align="center",
        text_baseline="middle",
    )
    chosen = ColumnDataSource({key: [] for key in BOX}, name=f"chosen-{number}")
    plot.quad(source=chosen, fill_color=None, line_color=VERMILION, line_width=3)


def _kinds() -> LinearColorMapper:
    """By index in TENSOR_KINDS."""
    palette = [KINDS[kind] for kind in TENSOR_KINDS]
    return LinearColorMapper(palette=palette, low=-0.5, high=len(palette) - 0.5)


def _lifetimes(columns: Columns) -> LinearColorMapper:
    longest = float(columns["lifetime"].max(initial=0))
    return LinearColorMapper(palette=Cividis256, low=0, high=max(longest, 1.0))
