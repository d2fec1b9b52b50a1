"""What a model has seen: kernels outside are not its business.

A kernel is inside if it has no operation and no element type that no kernel of the training had,
and its work, its bytes, its operations and its edges lie within what was seen, with a margin of a
factor of 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.features import FlatGraphs
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

    def holds(self, graphs: FlatGraphs) -> npt.NDArray[np.bool_]:
        """Whether each of K kernels is inside: (K)."""
        kinds = np.array([word in self.kinds for word in KINDS])[graphs.kind]
        types = np.array([word in self.types for word in TYPES])[graphs.types].all(axis=1)
        strangers = _per_kernel(graphs, (~(kinds & types)).astype(np.float64))
        sizes = _sizes(graphs)
        low, high = np.array(self.least) - _MARGIN, np.array(self.most) + _MARGIN
        inside = ((sizes >= low) & (sizes <= high)).all(axis=1)
        return np.asarray(inside & (strangers == 0), np.bool_)

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


def domain_of(graphs: FlatGraphs) -> Domain:
    """Of the kernels of a training."""
    kernel = np.repeat(np.arange(len(graphs)), graphs.nodes)
    sizes = _sizes(graphs)
    return Domain(
        frozenset(KINDS[i] for i in _often(kernel, graphs.kind) if i),
        frozenset(TYPES[i] for i in _often(np.repeat(kernel, 2), graphs.types.ravel())),
        tuple(map(float, sizes.min(axis=0))),
        tuple(map(float, sizes.max(axis=0))),
    )


def _often(kernel: npt.NDArray[np.intp], words: npt.NDArray[Any]) -> list[int]:
    """The words that enough kernels have. kernel: the one that each word is of."""
    pairs = np.unique(np.stack([kernel, words.astype(np.intp)]), axis=1)
    found: list[int] = np.flatnonzero(np.bincount(pairs[1]) >= _SEEN).tolist()
    return found


def _sizes(graphs: FlatGraphs) -> npt.NDArray[np.float64]:
    """(K, 4)"""
    work = _per_kernel(graphs, graphs.costs[:, :2].sum(axis=1))
    data = _per_kernel(graphs, graphs.costs[:, 2:].sum(axis=1))
    counts = (graphs.nodes.astype(np.float64), graphs.edge_counts.astype(np.float64))
    return np.log1p(np.stack([work, data, *counts], axis=1))


def _per_kernel(graphs: FlatGraphs, of_nodes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(M) numbers summed over the nodes of each kernel: (K)."""
    kernel = np.repeat(np.arange(len(graphs)), graphs.nodes)
    return np.bincount(kernel, of_nodes, minlength=len(graphs)).astype(np.float64)
