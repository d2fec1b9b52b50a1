"""Graphs of many kernels as arrays of a few fixed shapes, so that JAX compiles a network once per
shape and computes little that nobody asked for.

A row has room for `Row.nodes` nodes; the graphs of several kernels lie in it side by side, and no
edge leads from one to the other. Rows are filled by taking the largest kernel that still fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features.flat import FlatGraphs

Indices = npt.NDArray[np.intp]


class Row(NamedTuple):
    """nodes: that it has room for. kernels: at most."""

    nodes: int
    kernels: int


ALONE = (Row(8, 1), Row(32, 1), Row(128, 1))  # of a kernel that is asked about by itself
SHORT, LONG = Row(32, 12), Row(128, 3)
MOST_NODES = LONG.nodes  # of a larger graph the costliest stay
COUNTS = {SHORT: (8, 64), LONG: (2, 8)}  # rows of a batch


class Batch(NamedTuple):
    """R rows of n nodes and K kernels; fields as of `KernelGraph`, padded with zeros.

    kind, body: (R, n) int16; types: (R, n, 2) int8; numbers: (R, n, WIDTH) float32;
    costs: (R, n, 4) float32; edges: (R, n, n) int8, [r, i, j] where node i reads node j;
    owner: (R, n) int8, which of the row's kernels a node belongs to, -1 for none;
    whole: (R, K, W) float32.
    """

    kind: npt.NDArray[np.int16]
    body: npt.NDArray[np.int16]
    types: npt.NDArray[np.int8]
    numbers: npt.NDArray[np.float32]
    costs: npt.NDArray[np.float32]
    edges: npt.NDArray[np.int8]
    owner: npt.NDArray[np.int8]
    whole: npt.NDArray[np.float32]


class Rows(NamedTuple):
    """Where N chosen kernels lie: kernel[i] in row[i] as its kernel slot[i], from node first[i]."""

    kernel: Indices
    row: Indices
    slot: Indices
    first: Indices
    total: int  # rows

    def part(self, start: int, stop: int) -> Rows:
        """The rows [start, stop), counted from 0. Rows lie in order."""
        low, high = np.searchsorted(self.row, (start, stop))
        kernel, row, slot, first = (field[low:high] for field in self[:4])
        return Rows(kernel, row - start, slot, first, min(stop, self.total) - start)

    def shuffled(self, dice: np.random.Generator) -> Rows:
        """The same rows in another order."""
        place = dice.permutation(self.total)[self.row]
        order = np.argsort(place, kind="stable")
        kernel, _, slot, first, total = self
        return Rows(kernel[order], place[order], slot[order], first[order], total)


def filled_rows(nodes: npt.NDArray[np.int64], chosen: Indices, shape: Row) -> Rows:
    """Rows of a shape for the chosen kernels; nodes: of every kernel.

    Kernels of one size go in the order in which they were chosen. One without nodes, which is
    all folded, takes a node's room.
    """
    waiting: list[list[int]] = [[] for _ in range(shape.nodes + 1)]
    for kernel in reversed(chosen.tolist()):
        waiting[min(max(int(nodes[kernel]), 1), shape.nodes)].append(kernel)
    kept: list[tuple[int, int, int, int]] = []
    left, row, largest = len(chosen), 0, shape.nodes
    while left:
        used, slot, size = 0, 0, largest
        while size and slot < shape.kernels:
            if not waiting[size]:
                size -= 1
                continue
            if not slot:
                largest = size
            kept.append((waiting[size].pop(), row, slot, used))
            used, slot, left = used + size, slot + 1, left - 1
            size = min(size, shape.nodes - used)
        row += 1
    kernel, rows, slots, first = np.array(kept, np.intp).reshape(-1, 4).T
    return Rows(kernel, rows, slots, first, row)


def pack(graphs: FlatGraphs, rows: Rows, shape: Row, count: int) -> Batch:
    """The rows as one batch of `count`, padded with empty ones. Graphs fit their rows."""
    n = shape.nodes
    sizes = graphs.nodes[rows.kernel]
    source = _spans(graphs.node_offsets[rows.kernel], sizes)
    target = _spans(rows.row * n + rows.first, sizes)

    def laid(values: npt.NDArray[Any], fill: int = 0) -> npt.NDArray[Any]:
        made = np.full((count * n, *values.shape[1:]), fill, values.dtype)
        made[target] = values
        return made.reshape(count, n, *values.shape[1:])

    edge_counts = graphs.edge_counts[rows.kernel]
    pairs = graphs.edges[_spans(graphs.edge_offsets[rows.kernel], edge_counts)]
    pairs = pairs + np.repeat(rows.first, edge_counts)[:, None]
    edges = np.zeros((count, n, n), np.int8)
    edges[np.repeat(rows.row, edge_counts), pairs[:, 1], pairs[:, 0]] = 1
    whole = np.zeros((count, shape.kernels, graphs.whole.shape[1]), np.float32)
    whole[rows.row, rows.slot] = graphs.whole[rows.kernel]
    return Batch(
        kind=laid(graphs.kind[source]),
        body=laid(graphs.body[source]),
        types=laid(graphs.types[source]),
        numbers=laid(graphs.numbers[source]),
        costs=laid(graphs.costs[source].astype(np.float32)),
        edges=edges,
        owner=laid(np.repeat(rows.slot, sizes).astype(np.int8), -1),
        whole=whole,
    )


def _spans(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Indices:
    """The indices of [start, start + length), one span after the other."""
    before = np.cumsum(lengths) - lengths
    spans: Indices = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
    return spans


def shapes(graphs: FlatGraphs) -> Iterator[tuple[Row, Indices]]:
    """Short and long rows with the kernels that go there."""
    for shape, there in ((SHORT, graphs.nodes <= SHORT.nodes), (LONG, graphs.nodes > SHORT.nodes)):
        if there.any():
            yield shape, np.flatnonzero(there)


def in_batches(graphs: FlatGraphs) -> Iterator[tuple[Indices, Indices, Batch]]:
    """All kernels, batch by batch: which, their places in the output (R * K), and the arrays."""
    if len(graphs) == 1:
        shape = next(row for row in ALONE if graphs.nodes[0] <= row.nodes)
        rows = filled_rows(graphs.nodes, np.zeros(1, np.intp), shape)
        yield rows.kernel, rows.slot, pack(graphs, rows, shape, 1)
        return
    for shape, chosen in shapes(graphs):
        rows = filled_rows(graphs.nodes, chosen, shape)
        start = 0
        while start < rows.total:
            count = _rows_of_batch(rows.total - start, COUNTS[shape])
            part = rows.part(start, start + count)
            yield part.kernel, places(part, shape), pack(graphs, part, shape, count)
            start += count


def places(rows: Rows, shape: Row) -> Indices:
    """Where the kernels' answers lie among a batch's R * K."""
    there: Indices = rows.row * shape.kernels + rows.slot
    return there


def _rows_of_batch(left: int, counts: Sequence[int]) -> int:
    """Large batches while they are half full, then small ones."""
    return next((count for count in reversed(counts) if 2 * left > count), counts[0])
