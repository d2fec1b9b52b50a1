"""What a cost model says about kernels, whichever model it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Prediction:
    """For N kernels, arrays of N.

    seconds: of one call, launch included. spread: standard deviation of log-seconds; inf where
    the model gives none. inside: whether the kernel is like what the model learned from; where
    not, the seconds are the roofline's. temporary_bytes, code_bytes: of the compiled kernel.
    """

    seconds: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    inside: npt.NDArray[np.bool_]
    temporary_bytes: npt.NDArray[np.float64]
    code_bytes: npt.NDArray[np.float64]


def joined(parts: Sequence[Prediction]) -> Prediction:
    """One after the other; of no parts, a prediction of no kernels."""
    if not parts:
        parts = [Prediction(np.zeros(0), np.zeros(0), np.zeros(0, np.bool_), *np.zeros((2, 0)))]
    names = [field.name for field in fields(Prediction)]
    return Prediction(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


class Predictor(Protocol):
    """name: how users choose it (`learned:cpu`). launch_seconds: what an empty kernel takes, which
    every prediction contains."""

    @property
    def name(self) -> str: ...

    @property
    def launch_seconds(self) -> float: ...

    def predict(self, kernels: Sequence[str]) -> Prediction:
        """Kernels as of `kernel.kernels_of`: MLIR text. Raises InputError."""
        ...
