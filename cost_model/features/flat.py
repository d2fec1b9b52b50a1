"""Graphs of many kernels, one after the other in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features.columns import Columns
from cosmalloc.cost_model.features.graph import WIDTH, KernelGraph

WHOLE = 7  # numbers of a kernel as a whole
_WEIGHTS = np.array([1.0, 10.0, 4.0, 4.0])  # of flops, transcendentals, bytes read and written


@dataclass(frozen=True)
class FlatGraphs(Columns):
    """K kernels; their number is the length.

    whole: (K, WHOLE). node_offsets, edge_offsets: (K + 1), where each kernel's begin.
    """

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

    def joined(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(graph, name) for graph in graphs])

    return FlatGraphs(
        kind=joined("kind"),
        body=joined("body"),
        types=joined("types"),
        numbers=joined("numbers"),
        costs=joined("costs"),
        edges=joined("edges"),
        whole=np.stack([graph.whole for graph in graphs]),
        node_offsets=_offsets([len(graph) for graph in graphs]),
        edge_offsets=_offsets([len(graph.edges) for graph in graphs]),
    )


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
    return FlatGraphs(
        kind=graphs.kind[kept],
        body=graphs.body[kept],
        types=graphs.types[kept],
        numbers=graphs.numbers[kept],
        costs=graphs.costs[kept],
        edges=edges,
        whole=graphs.whole,
        node_offsets=offsets,
        edge_offsets=_offsets(counts),
    )


def _offsets(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return found


def _nothing() -> FlatGraphs:
    return FlatGraphs(
        kind=np.zeros(0, np.int16),
        body=np.zeros(0, np.int16),
        types=np.zeros((0, 2), np.int8),
        numbers=np.zeros((0, WIDTH), np.float32),
        costs=np.zeros((0, 4)),
        edges=np.zeros((0, 2), np.int32),
        whole=np.zeros((0, WHOLE), np.float32),
        node_offsets=_offsets([]),
        edge_offsets=_offsets([]),
    )
