"""A model of one machine made to fit another from few measured kernels.

With x what the network knows of a kernel (its embedding, standardised) and t the seconds that it
predicts, the other machine's are one of

    log seconds = log t                                             nothing has to change
    log seconds = log t + a                                         a the median error, shrunk
    log seconds = log t + a + b (log t - mean) + w . x              ridge regression

a is shrunk by the part of it that chance explains, a (1 - e^2 / a^2), e the standard error of the
median. Of ridge regressions, least |error|^2 + l (b^2 + |w|^2), l is the one of `PENALTIES` with
the least mean leave-one-out error r, which has a closed form: r_i = e_i / (1 - h_i), h the diagonal
of the projection. The last two then move by d N / (N + 30), where d has the least relative error

    mean over i of |exp(d - r_i) - 1|                the median of r under the weights exp(-r)

Of the three, the simplest counts whose leave-one-out relative errors are within one standard error
of the least, so that a handful of kernels can't make a good model worse.
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
_FARTHEST = 1.5  # an error of log-seconds beyond it counts as this: one kernel must not rule
_TRUST = 30  # kernels that weigh as much as what the model came with


@dataclass(frozen=True)
class Adaptation:
    """mean, deviation: of (log t, embedding), [1 + D]. weights: [1 + D]; shift: a.

    scale: what the model's spread is multiplied by.
    """

    mean: Array
    deviation: Array
    weights: Array
    shift: float
    scale: float

    def log_seconds(self, log_seconds: Array, embedding: npt.NDArray[Any]) -> Array:
        """Of the other machine: [N]."""
        x = (_columns(log_seconds, embedding) - self.mean) / self.deviation
        return log_seconds + self.shift + np.clip(x @ self.weights, -_FARTHEST, _FARTHEST)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = {name: [float(f"{v:.6g}") for v in getattr(self, name)] for name in _ROWS}
        return rows | {"shift": self.shift, "scale": self.scale}

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Adaptation:
        """What `to_dict` made."""
        mean, deviation, weights = (np.array(given[name], np.float64) for name in _ROWS)
        return Adaptation(mean, deviation, weights, float(given["shift"]), float(given["scale"]))


_ROWS = ("mean", "deviation", "weights")


@dataclass(frozen=True)
class _Fit:
    """left: leave-one-out errors of log-seconds, [N]. shift, weights: as of `Adaptation`."""

    left: Array
    shift: float
    weights: Array

    @property
    def relative(self) -> Array:
        """Errors of seconds, [N]; one beyond 3 counts as that."""
        found: Array = np.minimum(np.abs(np.exp(-self.left) - 1), 3.0)
        return found

    def moved(self) -> _Fit:
        """With the shift of the least relative error, as far as so many kernels can tell."""
        order = np.argsort(self.left, kind="stable")
        weights = np.cumsum(np.exp(-np.clip(self.left[order], -3, 3)))
        middle = float(self.left[order][np.searchsorted(weights, weights[-1] / 2)])
        by = middle * _trust(len(self.left))
        return _Fit(self.left - by, self.shift + by, self.weights)


def adapt(
    log_seconds: Array, spread: Array, embedding: npt.NDArray[Any], measured: Array
) -> Adaptation:
    """log_seconds: [N] of what is predicted; spread: [N]; embedding: [N, D]; measured: [N] seconds.

    Raises InputError.
    """
    if len(measured) < LEAST:
        raise InputError(
            f"{len(measured)} kernels are too few to adapt to a machine", f"measure {LEAST} or more"
        )
    columns = _columns(log_seconds, embedding)
    mean, deviation = columns.mean(axis=0), columns.std(axis=0) + 1e-3
    error = np.log(measured) - log_seconds
    zeros = np.zeros(columns.shape[1])
    shift = _shrunk_median(error)
    fits = [
        _Fit(error, 0.0, zeros),
        _Fit(error - _medians_without(error), shift, zeros).moved(),
        _ridge((columns - mean) / deviation, error, shift).moved(),
    ]
    fit = _simplest(fits)
    scale = float(np.quantile(np.abs(fit.left) / spread, 0.8) / 1.2816)
    scale = max(scale, 1e-3) ** _trust(len(error))
    return Adaptation(mean, deviation, fit.weights, fit.shift, scale)


def _simplest(fits: list[_Fit]) -> _Fit:
    """The first that is not surely worse than the best."""
    best = min(fits, key=lambda fit: float(fit.relative.mean()))
    for fit in fits:
        worse = fit.relative - best.relative
        if worse.mean() <= worse.std() / np.sqrt(len(worse)):
            return fit
    return best


def _trust(kernels: int) -> float:
    """The weight of what so many kernels say."""
    return kernels / (kernels + _TRUST)


def _shrunk_median(error: Array) -> float:
    middle = float(np.median(error))
    deviation = 1.4826 * float(np.median(np.abs(error - middle)))
    chance = 1.2533 * deviation / np.sqrt(len(error))
    return middle * float(max(0.0, 1 - chance**2 / max(middle**2, 1e-12)))


def _medians_without(error: Array) -> Array:
    """The median of the others, for each."""
    order, half = np.argsort(error, kind="stable"), len(error) // 2
    rank = np.empty(len(error), np.intp)
    rank[order] = np.arange(len(error))
    ranked = error[order]
    if len(error) % 2 == 0:
        found: Array = np.where(rank < half, ranked[half], ranked[half - 1])
        return found
    low, middle, high = ranked[half - 1 : half + 2]
    conditions = [rank < half, rank > half]
    return np.select(conditions, [(middle + high) / 2, (low + middle) / 2], (low + high) / 2)


def _ridge(x: Array, error: Array, shift: float) -> _Fit:
    """The best of all penalties on what the shift leaves over."""
    x = x.copy()
    x[:, 0] *= _SLOPE
    given = np.clip(error - shift, -_FARTHEST, _FARTHEST)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    target = u.T @ given
    fits = []
    for penalty in PENALTIES:
        shrink = s**2 / (s**2 + penalty)
        left = error - shift - u @ (shrink * target)
        leave = left / np.maximum(1 - (u**2) @ shrink - 1 / len(error), 1e-3)
        weights = vt.T @ (s / (s**2 + penalty) * target)
        weights[0] *= _SLOPE
        fits.append(_Fit(leave, shift, weights))
    return min(fits, key=lambda fit: float(np.abs(fit.left).mean()))


def _columns(log_seconds: Array, embedding: npt.NDArray[Any]) -> Array:
    return np.concatenate([log_seconds[:, None], embedding], axis=1).astype(np.float64)
