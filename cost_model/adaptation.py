"""A model of one machine made to fit another from few measured kernels.

With x what the network knows of a kernel (its embedding, standardised) and t the seconds that it
predicts, the other machine's are

    log seconds = log t + a + b (log t - mean) + w . x       least |error|^2 + l (b^2 + |w|^2)

Ridge regression; l is the one of `PENALTIES` with the least leave-one-out error, which has a
closed form: e_i / (1 - h_i), h the diagonal of the projection. Ten kernels give little more than
a and b, a hundred begin to tell kinds of kernels apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.errors import InputError

Array = npt.NDArray[np.float64]
PENALTIES = tuple(float(10**power) for power in np.arange(-1, 5.5, 0.5))
LEAST = 5  # kernels
_SLOPE = 10.0  # b is this much dearer than it seems, as its column is larger


@dataclass(frozen=True)
class Adaptation:
    """mean, deviation: of (log t, embedding), [1 + D]. weights: [1 + D]; shift: a.

    spread: standard deviation of the leave-one-out error, which replaces the model's own.
    """

    mean: Array
    deviation: Array
    weights: Array
    shift: float
    spread: float

    def log_seconds(self, log_seconds: Array, embedding: npt.NDArray[Any]) -> Array:
        """Of the other machine: [N]."""
        columns = _columns(log_seconds, embedding)
        return log_seconds + self.shift + (columns - self.mean) / self.deviation @ self.weights

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = {name: [float(f"{v:.6g}") for v in getattr(self, name)] for name in _ROWS}
        return rows | {"shift": self.shift, "spread": self.spread}

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Adaptation:
        """What `to_dict` made."""
        mean, deviation, weights = (np.array(given[name], np.float64) for name in _ROWS)
        shift, spread = float(given["shift"]), float(given["spread"])
        return Adaptation(mean, deviation, weights, shift, spread)


_ROWS = ("mean", "deviation", "weights")


def adapt(log_seconds: Array, embedding: npt.NDArray[Any], measured: Array) -> Adaptation:
    """log_seconds: [N] predicted; embedding: [N, D]; measured: [N] seconds. Raises InputError."""
    if len(measured) < LEAST:
        raise InputError(
            f"{len(measured)} kernels are too few to adapt to a machine", f"measure {LEAST} or more"
        )
    columns = _columns(log_seconds, embedding)
    mean, deviation = columns.mean(axis=0), columns.std(axis=0) + 1e-3
    x, error = (columns - mean) / deviation, np.log(measured) - log_seconds
    x[:, 0] *= _SLOPE
    shift = float(np.median(error)) if len(error) < 30 else float(error.mean())
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    target = u.T @ (error - shift)
    fits = []
    for penalty in PENALTIES:
        shrink = s**2 / (s**2 + penalty)
        left = error - shift - u @ (shrink * target)
        leave = left / np.maximum(1 - (u**2) @ shrink - 1 / len(error), 1e-3)
        fits.append((float(np.mean(np.abs(leave))), float(leave.std()), penalty))
    _, spread, penalty = min(fits)
    weights = vt.T @ (s / (s**2 + penalty) * target)
    weights[0] *= _SLOPE
    return Adaptation(mean, deviation, weights, shift, spread)


def _columns(log_seconds: Array, embedding: npt.NDArray[Any]) -> Array:
    return np.concatenate([log_seconds[:, None], embedding], axis=1).astype(np.float64)
