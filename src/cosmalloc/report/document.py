"""The figures of all plans as one Bokeh document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.document import Document
from bokeh.embed.util import standalone_docs_json_and_render_items
from bokeh.models import Range1d
from bokeh.plotting import figure

from cosmalloc.report.axes import extent
from cosmalloc.report.curves import occupancy, progress
from cosmalloc.report.memory_map import memory_map
from cosmalloc.report.timeline_figure import timeline
from cosmalloc.report.view import View


def document(views: Sequence[View]) -> tuple[Any, list[Any]]:
    """(documents, render items) for `Bokeh.embed.embed_items`: every figure goes into the element
    that has the figure's name for its id.

    Plans with as many steps share their range of steps: they move together.
    """
    together = Document()
    across: dict[int, Range1d] = {}
    parts = []
    for number, view in enumerate(views):
        steps = max(1, len(view.plan.order))
        shared = across.setdefault(steps, extent(steps, least=min(2, steps)))
        parts.append(figures(view, number, shared))
        for plot in parts[-1].values():
            together.add_root(plot)
    documents, (item,) = standalone_docs_json_and_render_items(together)
    told = item.to_json()
    told["roots"] = {plot.id: plot.name for plots in parts for plot in plots.values()}
    return documents, [told]


def figures(view: View, number: int, across: Range1d) -> dict[str, figure]:
    """The figures that there is something to draw in, by part."""
    found = {
        "map": memory_map(view, number, across),
        "occupancy": occupancy(view, number),
    }
    if view.timeline is not None:
        found["timeline"] = timeline(view, view.timeline, number)
    if len(view.outcome.history) > 1:
        found["progress"] = progress(view, number)
    return found
