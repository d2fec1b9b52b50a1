"""Kernels' texts to graphs: by the compiled reader, which knows what MLIR prints of most kernels,
and by MLIR for the texts that it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features.flat import FlatGraphs, flattened
from cosmalloc.cost_model.features.graph import KernelGraph, graphs_by_mlir
from cosmalloc.cost_model.features.splice import spliced
from cosmalloc.cost_model.features.words_of_rules import kernel_reader
from cosmalloc.cost_model.summary import Reader


def graphs_of(texts: Sequence[str], reader: Reader | None = None) -> list[KernelGraph]:
    """The graphs of kernels given as MLIR text, views of common arrays. reader: one that is warm
    already. Raises InputError."""
    return views(flat_graphs_of(texts, reader))


def flat_graphs_of(texts: Sequence[str], reader: Reader | None = None) -> FlatGraphs:
    """As `graphs_of`, in flat arrays. Raises InputError."""
    graphs, read = read_compiled(texts)
    if read.all():
        return graphs
    left, reader = np.flatnonzero(~read), reader or Reader()
    with reader.turn:
        others = flattened(graphs_by_mlir([texts[i] for i in left.tolist()], reader))
    return spliced(graphs, left, others)


def read_compiled(texts: Sequence[str]) -> tuple[FlatGraphs, npt.NDArray[np.bool_]]:
    """What the compiled reader made of the texts: a graph without nodes for those it left, and
    (K) whether it read each. Equal to what `graphs_by_mlir` makes of them."""
    answer = kernel_reader().read(tuple(texts))
    return FlatGraphs(*answer[1:]), answer[0].astype(np.bool_)


def views(graphs: FlatGraphs) -> list[KernelGraph]:
    """One graph after the other, sharing the arrays' memory."""
    nodes, edges = graphs.node_offsets.tolist(), graphs.edge_offsets.tolist()
    kind, body, types, numbers = graphs.kind, graphs.body, graphs.types, graphs.numbers
    costs, ends, whole = graphs.costs, graphs.edges, graphs.whole
    return [
        KernelGraph(kind[a:b], body[a:b], types[a:b], numbers[a:b], costs[a:b], ends[c:d], whole[k])
        for k, (a, b, c, d) in enumerate(
            zip(nodes[:-1], nodes[1:], edges[:-1], edges[1:], strict=True)
        )
    ]
