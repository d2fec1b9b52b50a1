"""A plan as a picture: the memory map, and below it the bytes on chip; in letters for a terminal.

Steps go to the right, bytes upwards, one box a residency, coloured by the tensor's kind.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cosmalloc.buffers_csv import BufferTable
from cosmalloc.errors import InputError
from cosmalloc.picture import cells
from cosmalloc.plan import Plan
from cosmalloc.problem import TENSOR_KINDS, Problem, TensorKind
from cosmalloc.report.palette import BLUE, GREY, KINDS, SKY, VERMILION
from cosmalloc.report.view import View, view_of
from cosmalloc.sizes import format_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cosmalloc.plan import Outcome

SUFFIXES = (".png", ".svg")
SHADES: dict[TensorKind, str] = {
    "input": "bright_cyan",
    "weight": "yellow",
    "intermediate": "green",
    "output": "magenta",
}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def draw(problem: Problem, outcome: Outcome, suffix: str) -> bytes:
    """The picture as a file. suffix: `.png` or `.svg`; the same plan gives the same bytes.

    Raises InputError for another suffix, NoPlanError without a plan.
    """
    if suffix not in SUFFIXES:
        raise InputError(f"a picture can't be a `{suffix}`", f"use {' or '.join(SUFFIXES)}")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    view = view_of(problem, outcome)
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
    _map(above, view)
    _curve(below, view)
    figure.align_ylabels()
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "cosmalloc", "svg.fonttype": "none"}):
        told = {"Date": None} if suffix == ".svg" else {}
        figure.savefig(out, format=suffix[1:], dpi=130, metadata=told)
    return out.getvalue()


def _map(axes: Axes, view: View) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    stays = view.stays
    edges = [(s.start, s.stop, s.offset, s.offset + s.bytes) for s in stays]
    boxes = [((a, low), (b, low), (b, high), (a, high)) for a, b, low, high in edges]
    kinds = [view.problem.tensors[stay.tensor].kind for stay in stays]
    colours = [KINDS[kind] for kind in kinds]
    thin = min(0.5, 200 / max(1, len(stays)))
    axes.add_collection(
        PolyCollection(boxes, facecolors=colours, edgecolors="white", linewidths=thin)
    )
    size = view.problem.target.scratchpad_bytes
    top = max(view.peak, size if size <= 3 * view.peak else 0, 1)
    axes.axhline(size, color=VERMILION, linestyle="--", linewidth=1)
    axes.set(xlim=(0, max(1, len(view.plan.order))), ylim=(0, 1.05 * top), ylabel="address")
    shown = [kind for kind in TENSOR_KINDS if kind in kinds]
    axes.legend(
        handles=[Patch(color=KINDS[kind], label=kind) for kind in shown],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(shown) or 1,
        frameon=False,
    )
    _dress(axes, 6)


def _curve(axes: Axes, view: View) -> None:
    steps = np.arange(len(view.held) + 1)
    held, alive = (np.append(c, c[-1] if len(c) else 0) for c in (view.held, view.alive))
    axes.fill_between(steps, held, step="post", color=SKY, alpha=0.45, linewidth=0)
    axes.step(steps, held, where="post", color=BLUE, linewidth=1, label="on chip")
    if (view.alive > view.held).any():
        words = "if nothing left before its last use"
        axes.step(steps, alive, ":", where="post", color=GREY, linewidth=1, label=words)
    size = view.problem.target.scratchpad_bytes
    highest = int(max(held.max(initial=1), alive.max(initial=1)))
    axes.axhline(size, color=VERMILION, linestyle="--", linewidth=1, label="scratchpad")
    axes.set(ylim=(0, 1.08 * max(highest, size if size <= 3 * highest else 0)))
    axes.set(xlabel="step", ylabel="bytes")
    axes.legend(loc="upper right", fontsize="small", framealpha=0.9, ncols=3)
    _dress(axes, 3)


def _dress(axes: Axes, ticks: int) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    top = axes.get_ylim()[1]
    unit = next(2**e for e in range(60) if top / 2**e <= ticks)
    axes.yaxis.set_major_locator(MultipleLocator(unit))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: format_bytes(int(count))))
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def terminal(problem: Problem, plan: Plan, columns: int = 76, rows: int = 18) -> Any:
    """The memory map as a rich text: a letter per residency, coloured by kind, `.` where free."""
    from rich.text import Text

    table, offsets = _as_table(problem, plan)
    size = problem.target.scratchpad_bytes
    peak = int((offsets + table.size).max(initial=1))
    top = size if size <= 3 * peak else peak
    across = max(10, columns - 9)
    grid = cells(_stretched(table, len(plan.order)), np.append(offsets, 0), top, across, rows)
    text = Text()
    for index, row in enumerate(grid):
        at = top * (rows - index) // rows
        words = format_bytes(at) if index % 4 == 0 else ""
        text.append(f"{words:>8} ", style="dim")
        for cell in row.tolist():
            if 0 <= cell < len(plan.residencies):
                kind = problem.tensors[plan.residencies[cell].tensor].kind
                text.append(LETTERS[cell % len(LETTERS)], style=SHADES[kind])
            else:
                text.append(".", style="dim")
        text.append("\n")
    text.append(f"{'0B':>8} 0{f'step {len(plan.order)}':>{across - 1}}\n", style="dim")
    text.append(" " * 9)
    for kind, shade in SHADES.items():
        text.append(f"{kind}  ", style=shade)
    return text


def _as_table(problem: Problem, plan: Plan) -> tuple[BufferTable, npt.NDArray[np.int64]]:
    """The residencies as buffers, and their offsets."""
    stays = plan.residencies
    table = BufferTable(
        tuple(str(index) for index in range(len(stays))),
        np.array([stay.start for stay in stays], np.int64),
        np.array([stay.stop for stay in stays], np.int64),
        np.array([problem.tensors[stay.tensor].bytes for stay in stays], np.int64),
        np.ones(len(stays), np.int64),
        np.full(len(stays), -1, np.int64),
    )
    return table, np.array([stay.offset for stay in stays], np.int64)


def _stretched(table: BufferTable, steps: int) -> BufferTable:
    """The table with a buffer of no bytes more that lasts all steps, for the width."""
    more = (0, max(1, steps), 0, 1, -1)
    columns = (table.lower, table.upper, table.size, table.alignment, table.fixed)
    return BufferTable(
        (*table.ids, "all"),
        *(np.append(column, value) for column, value in zip(columns, more, strict=True)),
    )
