"""A kernel as numbers: its data-flow graph, a row of magnitudes an operation.

Nothing is out of vocabulary: sizes, attributes and costs are logarithms, an operation or element
type that was never seen is `other` and keeps its magnitudes.
"""

from cosmalloc.cost_model.features.flat import FlatGraphs
from cosmalloc.cost_model.features.graph import KernelGraph
from cosmalloc.cost_model.features.reading import flat_graphs_of, graphs_of

__all__ = ["FlatGraphs", "KernelGraph", "flat_graphs_of", "graphs_of"]
