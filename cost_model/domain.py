"""What a model has seen: kernels outside are not its business.

A kernel is inside if it has no operation and no element type that no kernel of the training had,
and its work, its bytes, its operations and its edges lie within what was seen, with a margin of a
factor of 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features import KernelGraph
from cosmalloc.cost_model.features.words import KINDS, TYPES

_MARGIN = np.log(4.0)
_SEEN = 2  # kernels that must have had a word


@dataclass(frozen=True)
class Domain:
    """kinds, types: words seen. least, most: log of 1 + flops, bytes, nodes, whole bytes."""

    kinds: frozenset[str]
    types: frozenset[str]
    least: tuple[float, ...]
    most: tuple[float, ...]

    def holds(self, graph: KernelGraph) -> bool:
        """Whether the kernel is inside."""
        known = {KINDS[i] for i in graph.kind} <= self.kinds
        known = known and {TYPES[i] for i in np.unique(graph.types)} <= self.types
        sizes = _sizes(graph)
        low, high = np.array(self.least) - _MARGIN, np.array(self.most) + _MARGIN
        return bool(known and (sizes >= low).all() and (sizes <= high).all())

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kinds": sorted(self.kinds),
            "types": sorted(self.types),
            "least": list(self.least),
            "most": list(self.most),
        }

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Domain:
        """What `to_dict` made."""
        words = (frozenset(given["kinds"]), frozenset(given["types"]))
        return Domain(*words, tuple(given["least"]), tuple(given["most"]))


def domain_of(graphs: Sequence[KernelGraph]) -> Domain:
    """Of the kernels of a training."""
    kinds, types = np.zeros(len(KINDS), np.int64), np.zeros(len(TYPES), np.int64)
    for graph in graphs:
        kinds[np.unique(graph.kind)] += 1
        types[np.unique(graph.types)] += 1
    sizes = np.array([_sizes(graph) for graph in graphs])
    return Domain(
        frozenset(KINDS[i] for i in np.flatnonzero(kinds >= _SEEN) if i),
        frozenset(TYPES[i] for i in np.flatnonzero(types >= _SEEN)),
        tuple(map(float, sizes.min(axis=0))),
        tuple(map(float, sizes.max(axis=0))),
    )


def _sizes(graph: KernelGraph) -> npt.NDArray[np.float64]:
    work = graph.costs[:, :2].sum()
    data = graph.costs[:, 2:].sum()
    return np.log1p([work, data, float(len(graph)), float(len(graph.edges))])
