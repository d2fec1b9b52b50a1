"""Graphs put among others, in flat arrays, copied once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features.flat import FlatGraphs

_OF_NODES = ("kind", "body", "types", "numbers", "costs")


def spliced(graphs: FlatGraphs, places: npt.NDArray[np.intp], others: FlatGraphs) -> FlatGraphs:
    """`graphs` with kernel places[i] replaced by kernel i of `others`. places rise."""
    nodes, node_offsets = _pieces(graphs.node_offsets, places, others.node_offsets)
    edges, edge_offsets = _pieces(graphs.edge_offsets, places, others.edge_offsets)
    whole = graphs.whole.copy()
    whole[places] = others.whole
    both = (graphs, others)

    def cut(name: str) -> Any:
        pieces = edges if name == "edges" else nodes
        return np.concatenate([getattr(both[side], name)[a:b] for side, a, b in pieces])

    return FlatGraphs(
        **{name: cut(name) for name in (*_OF_NODES, "edges")},
        whole=whole,
        node_offsets=node_offsets,
        edge_offsets=edge_offsets,
    )


def _pieces(
    offsets: npt.NDArray[np.int64],
    places: npt.NDArray[np.intp],
    others: npt.NDArray[np.int64],
) -> tuple[list[tuple[int, int, int]], npt.NDArray[np.int64]]:
    """(0 first or 1 second, first row, row behind the last) of all pieces in order, and where each
    kernel's rows begin among them."""
    counts = np.diff(offsets)
    counts[places] = np.diff(others)
    pieces, row = [], 0
    for i, place in enumerate(places.tolist()):
        pieces += [(0, row, int(offsets[place])), (1, int(others[i]), int(others[i + 1]))]
        row = int(offsets[place + 1])
    pieces.append((0, row, int(offsets[-1])))
    return pieces, np.concatenate([[0], np.cumsum(counts)])
