"""How far predictions are from measurements.

For measured m and predicted p of N kernels, both positive, e = log p - log m:

    rmse_log       root of mean of e^2
    rmse_relative  root of mean of (p / m - 1)^2
    mape           mean of |p / m - 1|             median: its median
    spearman       correlation of ranks            kendall: tau-b, ties accounted for
    coverage[q]    share of kernels with |e| <= z(q) * spread, z(q) the normal quantile of
                   (1 + q) / 2: q where the spread is calibrated
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
INTERVALS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class Metrics:
    """coverage: of each of INTERVALS; empty without a spread. n: kernels."""

    rmse_log: float
    rmse_relative: float
    mape: float
    median: float
    spearman: float
    kendall: float
    coverage: tuple[float, ...]
    n: int

    def to_dict(self) -> dict[str, float | None]:
        """Flat, for a table or JSON."""
        shares = dict(zip(INTERVALS, self.coverage, strict=True)) if self.coverage else {}
        return {
            "rmse_log": self.rmse_log,
            "rmse_relative": self.rmse_relative,
            "mape": self.mape,
            "median": self.median,
            "spearman": self.spearman,
            "kendall": self.kendall,
            **{f"inside_{q:.0%}": shares.get(q) for q in INTERVALS},
            "n": self.n,
        }


def metrics(
    measured: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    spread: npt.NDArray[Any] | None = None,
    floor: float = 0.0,
) -> Metrics:
    """spread: standard deviation of log p. floor: what is less counts as this, on both sides; for
    bytes, which may be 0. Raises ValueError where a value is not positive or lengths differ."""
    if measured.shape != predicted.shape or measured.ndim != 1 or not len(measured):
        raise ValueError(f"{measured.shape} measured, {predicted.shape} predicted")
    m = np.maximum(measured.astype(np.float64), floor)
    p = np.maximum(predicted.astype(np.float64), floor)
    if not (m.min() > 0 and p.min() > 0):
        raise ValueError(f"least measured {m.min()}, least predicted {p.min()}")
    error, relative = np.log(p / m), p / m - 1
    spearman, kendall = _ranks(m, p)
    return Metrics(
        rmse_log=float(np.sqrt(np.mean(error**2))),
        rmse_relative=float(np.sqrt(np.mean(relative**2))),
        mape=float(np.mean(np.abs(relative))),
        median=float(np.median(np.abs(relative))),
        spearman=spearman,
        kendall=kendall,
        coverage=() if spread is None else _coverage(error, spread.astype(np.float64)),
        n=len(m),
    )


def _ranks(m: Array, p: Array) -> tuple[float, float]:
    """Spearman and Kendall; 0 where one side is constant, which ranks nothing."""
    from scipy.stats import kendalltau, spearmanr

    if np.ptp(m) == 0 or np.ptp(p) == 0:
        return 0.0, 0.0
    return float(spearmanr(m, p).statistic), float(kendalltau(m, p).statistic)


def _coverage(error: Array, spread: Array) -> tuple[float, ...]:
    from scipy.stats import norm

    return tuple(float(np.mean(np.abs(error) <= norm.ppf((1 + q) / 2) * spread)) for q in INTERVALS)
