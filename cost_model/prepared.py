"""Measured kernels as training takes them: graphs beside labels, laid out in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model import fitting
from cosmalloc.cost_model.batches import MOST_NODES, Batch, Row, Rows, pack, places
from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.features import FlatGraphs, flat_graphs_of
from cosmalloc.cost_model.features.flat import trimmed


@dataclass(frozen=True)
class Prepared:
    """Kernels as graphs, whole and as networks see them, with their labels."""

    graphs: FlatGraphs
    flat: FlatGraphs
    log_seconds: npt.NDArray[np.float32]
    memory: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.graphs)

    def batch(
        self, rows: Rows, shape: Row, count: int, taught: npt.NDArray[np.float32]
    ) -> tuple[Batch, fitting.Labels]:
        """Rows with the labels of their kernels, padded to `count` rows. taught: of all kernels."""

        def laid(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            made = np.zeros((count * shape.kernels, *values.shape[1:]), np.float32)
            made[places(rows, shape)] = values[rows.kernel]
            return made

        weight = np.ones(len(self), np.float32)
        labels = fitting.Labels(*map(laid, (self.log_seconds, self.memory, weight, taught)))
        return pack(self.flat, rows, shape, count), labels


def prepared(data: Dataset) -> Prepared:
    """The kernels of a split. Raises InputError."""
    graphs = flat_graphs_of(data.text)
    memory = np.stack([data.temporary_bytes, data.code_bytes], axis=1).astype(np.float32)
    flat = trimmed(graphs, MOST_NODES)
    return Prepared(graphs, flat, np.log(data.seconds).astype(np.float32), memory)
