"""Graphs of many kernels as padded arrays: one bucket a number of nodes, so that JAX compiles a
network once per bucket and batch size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features import KernelGraph

BUCKETS = (6, 12, 24, 48, 128)  # nodes; of a larger graph the costliest 128 stay
FULL = 256  # kernels of a batch; of large graphs fewer
_CELLS = 1 << 15  # nodes squared times kernels stay below it, or near


class Batch(NamedTuple):
    """B kernels of at most n nodes; fields as of `KernelGraph`, padded.

    kind, body: (B, n) int16; types: (B, n, 2) int8; numbers: (B, n, WIDTH) float32;
    costs: (B, n, 4) float32; edges: (B, n, n) int8, [b, i, j] where node i reads node j;
    mask: (B, n) bool; whole: (B, W) float32.
    """

    kind: npt.NDArray[np.int16]
    body: npt.NDArray[np.int16]
    types: npt.NDArray[np.int8]
    numbers: npt.NDArray[np.float32]
    costs: npt.NDArray[np.float32]
    edges: npt.NDArray[np.int8]
    mask: npt.NDArray[np.bool_]
    whole: npt.NDArray[np.float32]


def bucket_of(graph: KernelGraph) -> int:
    """The least bucket that holds a graph, or the largest there is."""
    return next((n for n in BUCKETS if len(graph) <= n), BUCKETS[-1])


def batch_size(bucket: int) -> int:
    """Kernels of a full batch of this bucket."""
    return max(8, min(FULL, _CELLS // (bucket * bucket) * 8))


def pack(graphs: Sequence[KernelGraph], bucket: int, count: int = 0) -> Batch:
    """One batch; padded with empty kernels to `count`."""
    size = max(count, len(graphs))
    width, whole = graphs[0].numbers.shape[1], len(graphs[0].whole)
    batch = Batch(
        np.zeros((size, bucket), np.int16),
        np.zeros((size, bucket), np.int16),
        np.zeros((size, bucket, 2), np.int8),
        np.zeros((size, bucket, width), np.float32),
        np.zeros((size, bucket, 4), np.float32),
        np.zeros((size, bucket, bucket), np.int8),
        np.zeros((size, bucket), np.bool_),
        np.zeros((size, whole), np.float32),
    )
    for row, graph in enumerate(graphs):
        _fill(batch, row, _largest_part(graph, bucket))
    return batch


def _fill(batch: Batch, row: int, graph: KernelGraph) -> None:
    nodes = len(graph)
    batch.kind[row, :nodes] = graph.kind
    batch.body[row, :nodes] = graph.body
    batch.types[row, :nodes] = graph.types
    batch.numbers[row, :nodes] = graph.numbers
    batch.costs[row, :nodes] = graph.costs
    batch.edges[row, graph.edges[:, 1], graph.edges[:, 0]] = 1
    batch.mask[row, :nodes] = True
    batch.whole[row] = graph.whole


def _largest_part(graph: KernelGraph, bucket: int) -> KernelGraph:
    """The graph itself, or its costliest nodes if it has too many."""
    if len(graph) <= bucket:
        return graph
    weight = graph.costs @ np.array([1.0, 10.0, 4.0, 4.0])
    kept = np.sort(np.argsort(-weight, kind="stable")[:bucket])
    place = np.full(len(graph), -1, np.int32)
    place[kept] = np.arange(bucket)
    edges = place[graph.edges]
    return KernelGraph(
        graph.kind[kept],
        graph.body[kept],
        graph.types[kept],
        graph.numbers[kept],
        graph.costs[kept],
        edges[(edges >= 0).all(axis=1)],
        graph.whole,
    )


def by_bucket(graphs: Sequence[KernelGraph]) -> dict[int, npt.NDArray[np.intp]]:
    """Indices of the graphs of each bucket."""
    buckets = np.array([bucket_of(graph) for graph in graphs])
    return {n: np.flatnonzero(buckets == n) for n in BUCKETS if (buckets == n).any()}


def in_order(graphs: Sequence[KernelGraph]) -> Iterator[tuple[npt.NDArray[np.intp], Batch]]:
    """All graphs, batch by batch: their indices and their arrays, padded to full batches.

    A lone kernel goes as a batch of 1.
    """
    for bucket, indices in by_bucket(graphs).items():
        full = batch_size(bucket) if len(indices) > 1 else 1
        for start in range(0, len(indices), full):
            part = indices[start : start + full]
            yield part, pack([graphs[i] for i in part], bucket, full)
