"""What a graph, or graphs one after the other, hold of every node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Columns:
    """N nodes and E edges.

    kind, body: (N) `words.KINDS` of the operation and of the first one in its region. types: (N, 2)
    `words.TYPES` of its result and of its largest operand. numbers: (N, WIDTH) magnitudes.
    costs: (N, 4) flops, transcendentals, bytes read and written, repeats included.
    edges: (E, 2) nodes, counted from their kernel's first. whole: arguments, results, their bytes.
    """

    kind: npt.NDArray[np.int16]
    body: npt.NDArray[np.int16]
    types: npt.NDArray[np.int8]
    numbers: npt.NDArray[np.float32]
    costs: npt.NDArray[np.float64]
    edges: npt.NDArray[np.int32]
    whole: npt.NDArray[np.float32]
