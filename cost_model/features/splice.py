"""Flat graphs put together and picked from, without a loop over kernels."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features.flat import FlatGraphs

_OF_NODES = ("kind", "body", "types", "numbers", "costs")


def joined(first: FlatGraphs, second: FlatGraphs) -> FlatGraphs:
    """The kernels of both."""
    return FlatGraphs(
        *(
            _chained(getattr(first, each.name), getattr(second, each.name))
            if each.name.endswith("_offsets")
            else np.concatenate([getattr(first, each.name), getattr(second, each.name)])
            for each in fields(FlatGraphs)
        )
    )


def taken(graphs: FlatGraphs, kernels: npt.NDArray[np.intp]) -> FlatGraphs:
    """The kernels with these indices, in their order; one may come twice."""
    nodes, node_offsets = _rows(graphs.node_offsets, kernels)
    edges, edge_offsets = _rows(graphs.edge_offsets, kernels)
    return FlatGraphs(
        *(getattr(graphs, name)[nodes] for name in _OF_NODES),
        graphs.edges[edges],
        graphs.whole[kernels],
        node_offsets,
        edge_offsets,
    )


def _rows(
    offsets: npt.NDArray[np.int64], kernels: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the kernels, and where each kernel's begin among them."""
    counts = np.diff(offsets)[kernels]
    begin = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(begin[-1]) + np.repeat(offsets[:-1][kernels] - begin[:-1], counts)
    return rows, begin


def _chained(
    first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    return np.concatenate([first, second[1:] + first[-1]])
