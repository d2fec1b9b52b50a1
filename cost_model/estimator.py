"""What a model of measured kernels is, before and after it has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.dataset import Dataset

Array = npt.NDArray[np.float64]
Target = Literal["seconds", "temporary_bytes", "code_bytes"]
TARGETS: tuple[Target, ...] = ("seconds", "temporary_bytes", "code_bytes")
FLOORS: dict[Target, float] = {  # what is less counts as this, so that it has a logarithm
    "seconds": 1e-9,
    "temporary_bytes": 64.0,  # XLA aligns buffers to 64 bytes
    "code_bytes": 64.0,
}


class Fitted(Protocol):
    """A model that has learned."""

    def predict(self, texts: Sequence[str]) -> Mapping[Target, Array]:
        """What it has learned of each kernel, arrays of N, positive. Raises InputError."""
        ...


class Estimator(Protocol):
    """A model that can learn."""

    @property
    def name(self) -> str:
        """Its row in a table."""
        ...

    def fit(self, train: Dataset, valid: Dataset, *, seed: int) -> Fitted:
        """valid: chooses between settings, and when to stop. Raises InputError."""
        ...


def labels(data: Dataset, target: Target) -> Array:
    """The target of every row, at least its floor: [N]."""
    return np.maximum(np.asarray(getattr(data, target), np.float64), FLOORS[target])
