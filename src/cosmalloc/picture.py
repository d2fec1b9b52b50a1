"""A packing as a picture: steps to the right, bytes upwards, one box a buffer."""

from __future__ import annotations

import io
from html import escape

import numpy as np
from numpy.typing import NDArray

from cosmalloc.buffers_csv import BufferTable

WIDTH, HEIGHT = 1000, 600  # of an SVG, in its units
COLOURS = ("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#9c755f")
SHADES = ("blue", "yellow", "red", "cyan", "green", "magenta", "bright_blue", "bright_red")


def svg(table: BufferTable, offsets: NDArray[np.int64], peak: int) -> str:
    """The packing as an SVG; hovering over a box names it."""
    first, steps = _extent(table)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f4f4f4"/>',
    ]
    across, upward = WIDTH / max(steps, 1), HEIGHT / max(peak, 1)
    for i, name in enumerate(table.ids):
        lower, upper, size = int(table.lower[i]), int(table.upper[i]), int(table.size[i])
        at = int(offsets[i])
        title = escape(f"{name}: steps [{lower}, {upper}), bytes [{at}, {at + size})")
        parts.append(
            f'<rect x="{(lower - first) * across:.2f}" y="{HEIGHT - (at + size) * upward:.2f}"'
            f' width="{(upper - lower) * across:.2f}" height="{size * upward:.2f}"'
            f' fill="{COLOURS[i % len(COLOURS)]}" stroke="white" stroke-width="0.5">'
            f"<title>{title}</title></rect>"
        )
    return "\n".join([*parts, "</svg>", ""])


def png(table: BufferTable, offsets: NDArray[np.int64], peak: int) -> bytes:
    """The packing as a PNG, by matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first, steps = _extent(table)
    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.bar(
        x=table.lower,
        height=table.size,
        width=table.upper - table.lower,
        bottom=offsets,
        align="edge",
        color=[COLOURS[i % len(COLOURS)] for i in range(len(table.ids))],
        edgecolor="white",
        linewidth=0.3,
    )
    axes.set(
        xlim=(first, first + max(steps, 1)), ylim=(0, max(peak, 1)), xlabel="step", ylabel="byte"
    )
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def cells(
    table: BufferTable, offsets: NDArray[np.int64], peak: int, columns: int, rows: int
) -> NDArray[np.int64]:
    """int64[rows, columns]: the buffer in the middle of each cell, top row first, -1 where free."""
    first, steps = _extent(table)
    step = first + (2 * np.arange(columns) + 1) * max(steps, 1) // (2 * columns)
    byte = ((2 * np.arange(rows) + 1) * max(peak, 1) // (2 * rows))[::-1]
    grid = np.full((rows, columns), -1, dtype=np.int64)
    for i in range(len(table.ids)):
        tall = (offsets[i] <= byte) & (byte < offsets[i] + table.size[i])
        wide = (table.lower[i] <= step) & (step < table.upper[i])
        grid[np.ix_(tall, wide)] = i
    return grid


def terminal(
    table: BufferTable, offsets: NDArray[np.int64], peak: int, columns: int = 76, rows: int = 20
) -> str:
    """The packing as rich markup, letters and colours by buffer, `.` where bytes are free."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    lines = []
    for row in cells(table, offsets, peak, columns, rows):
        line = (
            "." if i < 0 else f"[{SHADES[i % len(SHADES)]}]{letters[i % len(letters)]}[/]"
            for i in row.tolist()
        )
        lines.append("".join(line))
    return "\n".join(lines)


def _extent(table: BufferTable) -> tuple[int, int]:
    """First step, number of steps."""
    if not table.ids:
        return 0, 0
    first = int(table.lower.min())
    return first, int(table.upper.max()) - first
