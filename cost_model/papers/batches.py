"""Kernels of like length together, padded to a power of two: few shapes, little waste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.papers.tokens import PAD

SHORTEST = 16  # tokens


@dataclass(frozen=True)
class Batch:
    """rows: which kernels, int[B]; tokens int32[B, L]; weight float32[B], 0 for rows that only fill
    the batch up."""

    rows: npt.NDArray[np.intp]
    tokens: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]


def batches(
    encoded: Sequence[npt.NDArray[np.int32]], size: int, rng: np.random.Generator | None = None
) -> Iterator[Batch]:
    """Every kernel once, `size` at a time; in random batches and order with `rng`."""
    lengths = np.array([_padded(len(each)) for each in encoded])
    chosen = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        if rng is not None:
            rng.shuffle(rows)
        chosen += [rows[first : first + size] for first in range(0, len(rows), size)]
    if rng is not None:
        rng.shuffle(chosen)
    for rows in chosen:
        yield _batch(encoded, rows, size)


def _batch(
    encoded: Sequence[npt.NDArray[np.int32]], rows: npt.NDArray[np.intp], size: int
) -> Batch:
    tokens = np.full((size, _padded(max(len(encoded[int(row)]) for row in rows))), PAD, np.int32)
    full = np.resize(rows, size)
    for place, row in enumerate(full):
        words = encoded[int(row)]
        tokens[place, : len(words)] = words
    return Batch(full, tokens, (np.arange(size) < len(rows)).astype(np.float32))


def _padded(length: int) -> int:
    return max(SHORTEST, 1 << (length - 1).bit_length())
