"""Graphs of many kernels, one after the other in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features.graph import WIDTH, KernelGraph

WHOLE = 7  # numbers of a kernel as a whole
_WEIGHTS = np.array([1.0, 10.0, 4.0, 4.0])  # of flops, transcendentals, bytes read and written


@dataclass(frozen=True)
class FlatGraphs:
    """K kernels with M nodes and E edges in all; fields as of `KernelGraph`, concatenated.

    whole: (K, WHOLE). node_offsets, edge_offsets: (K + 1) int64, where each kernel's begin. edges
    count nodes from their kernel's first.
    """

    kind: npt.NDArray[np.int16]
    body: npt.NDArray[np.int16]
    types: npt.NDArray[np.int8]
    numbers: npt.NDArray[np.float32]
    costs: npt.NDArray[np.float64]
    edges: npt.NDArray[np.int32]
    whole: npt.NDArray[np.float32]
    node_offsets: npt.NDArray[np.int64]
    edge_offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.whole)

    @property
    def nodes(self) -> npt.NDArray[np.int64]:
        """Of each kernel: (K)."""
        return np.diff(self.node_offsets)

    @property
    def edge_counts(self) -> npt.NDArray[np.int64]:
        """Of each kernel: (K)."""
        return np.diff(self.edge_offsets)


def flattened(graphs: Sequence[KernelGraph]) -> FlatGraphs:
    """The graphs in the order in which they are given."""
    if not graphs:
        return _nothing()
    nodes, edges = ([len(graph) for graph in graphs], [len(graph.edges) for graph in graphs])
    joined = (
        np.concatenate([getattr(graph, name) for graph in graphs])
        for name in ("kind", "body", "types", "numbers", "costs", "edges")
    )
    whole = np.stack([graph.whole for graph in graphs])
    return FlatGraphs(*joined, whole, _offsets(nodes), _offsets(edges))


def trimmed(graphs: FlatGraphs, most: int) -> FlatGraphs:
    """The graphs with their costliest `most` nodes each; edges of others are left out."""
    nodes = graphs.nodes
    large = np.flatnonzero(nodes > most)
    if not len(large):
        return graphs
    kept = np.ones(len(graphs.kind), np.bool_)
    for start, stop in zip(graphs.node_offsets[large], graphs.node_offsets[large + 1], strict=True):
        weight = graphs.costs[start:stop] @ _WEIGHTS
        kept[start + np.argsort(-weight, kind="stable")[most:]] = False
    offsets = _offsets(np.minimum(nodes, most))
    place = np.cumsum(kept) - 1
    base = np.repeat(np.arange(len(graphs)), graphs.edge_counts)
    ends = graphs.edges + graphs.node_offsets[base, None]
    both = kept[ends].all(axis=1)
    edges = (place[ends[both]] - offsets[base[both], None]).astype(np.int32)
    counts = np.bincount(base[both], minlength=len(graphs))
    named = (graphs.kind, graphs.body, graphs.types, graphs.numbers, graphs.costs)
    return FlatGraphs(*(f[kept] for f in named), edges, graphs.whole, offsets, _offsets(counts))


def _offsets(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return found


def _nothing() -> FlatGraphs:
    return FlatGraphs(
        *(np.zeros(0, np.int16), np.zeros(0, np.int16), np.zeros((0, 2), np.int8)),
        *(np.zeros((0, WIDTH), np.float32), np.zeros((0, 4)), np.zeros((0, 2), np.int32)),
        *(np.zeros((0, WHOLE), np.float32), _offsets([]), _offsets([])),
    )
