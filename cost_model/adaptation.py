"""A model of one machine made to fit another from few measured kernels.

With mu the log-seconds that the networks expect of a kernel and s their spread, the other machine's

    log seconds = mu + f(x) + noise

f is the pace of the machine, and of a kernel's work beside its launch: a Gaussian process
(`process`) over what the networks know of a kernel, which is what its seconds consist of (`makeup`)
and their embedding. So a kernel is off as the measured ones alike were, and what is unlike all of
them as all on average. With F the mean of f and u^2 the variance of the sum,

    answer = exp(mu + F - c u^2)

c is 1 if errors are normal (`learned`); here it is the one with the least relative errors of the
measured kernels, each predicted from the others. Unless these are less than those of the model as
it is, it stays as it is: a handful of kernels must not make a good model worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model import makeup, process
from cosmalloc.cost_model.ensemble import Known
from cosmalloc.cost_model.process import Process
from cosmalloc.errors import InputError

Array = npt.NDArray[np.float64]
LEAST, MOST = 5, 1000  # kernels; of more, some are drawn
CAUTIONS = np.linspace(0, 1.5, 16)  # c
_USUAL_CAUTION, _PULL = 0.9, 10.0  # c of few kernels
_REACH = 1.5  # how far apart kernels are in the embedding; a share and all, too
_FARTHEST = 4.0  # an error of log-seconds beyond it counts as this
_MOST_VARIANCE = 3.0
_TRUST = 30  # kernels that weigh as much as what the model came with
_HINT = "adapt the model again: `cosmalloc cost adapt`"
_ROWS = ("slopes", "targets", "noise")
_NUMBERS = ("amplitude", "floor")


@dataclass(frozen=True)
class Adaptation:
    """process: f. distance: what the embedding is divided by. caution: c. scale: what the spread is
    multiplied by."""

    process: Process
    distance: float
    caution: float
    scale: float

    def answers(self, known: Known) -> tuple[Array, Array]:
        """Log-seconds on the other machine, and their spread: [N]."""
        mean, variance = self.process.at(_points(known, self.distance), _work(known))
        variance = variance + known.spread**2 + self.process.floor**2
        answers = known.log_seconds + mean - self.caution * np.minimum(variance, _MOST_VARIANCE)
        return answers, np.sqrt(variance) * self.scale

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rows = {name: _short(getattr(self.process, name)) for name in _ROWS}
        numbers = {name: getattr(self.process, name) for name in _NUMBERS}
        own = {name: getattr(self, name) for name in ("distance", "caution", "scale")}
        return {"points": [_short(row) for row in self.process.points], **rows, **numbers, **own}

    @staticmethod
    def from_dict(given: Mapping[str, Any], width: int) -> Adaptation:
        """What `to_dict` made. width: of the networks' embedding. Raises InputError."""
        try:
            rows = {name: np.array(given[name], np.float64) for name in ("points", *_ROWS)}
            amplitude, floor = (float(given[name]) for name in _NUMBERS)
            own = [float(given[name]) for name in ("distance", "caution", "scale")]
        except (KeyError, TypeError, ValueError) as error:
            fact = f"the model was adapted to a machine by another version, or is damaged: {error}"
            raise InputError(fact, _HINT) from None
        kernels, features = rows["noise"].size, makeup.WIDTH + width
        if [row.shape for row in rows.values()] != [(kernels, features), *[(kernels,)] * 3]:
            fact = f"the model was adapted to a machine by other than {features} features a kernel"
            raise InputError(fact, _HINT)
        return Adaptation(Process(**rows, amplitude=amplitude, floor=floor), *own)


def adapt(known: Known, answers: Array, measured: Array) -> Adaptation | None:
    """known: of N kernels; answers: [N] log-seconds of the model as it is; measured: [N] seconds.

    None if the model had better stay as it is. Raises InputError.
    """
    if len(measured) < LEAST:
        raise InputError(
            f"{len(measured)} kernels are too few to adapt to a machine", f"measure {LEAST} or more"
        )
    chosen = np.random.default_rng(0).permutation(len(measured))[:MOST]
    known, answers = known.part(chosen), answers[chosen]
    target = np.log(measured[chosen])
    distance = _spread_out(known.embedding)
    errors = np.clip(target - known.log_seconds, -_FARTHEST, _FARTHEST)
    found = process.fit(_points(known, distance), _work(known), errors, known.spread)
    left, variance = found.left_out()
    variance = variance + known.spread**2 + found.floor**2
    caution = _caution(left, np.minimum(variance, _MOST_VARIANCE))
    left = left + caution * np.minimum(variance, _MOST_VARIANCE)
    if _relative(left).mean() >= _relative(target - answers).mean():
        return None
    scale = float(np.quantile(np.abs(left) / np.sqrt(variance), 0.8) / 1.2816)
    trust = len(left) / (len(left) + _TRUST)
    return Adaptation(found, distance, caution, max(scale, 1e-3) ** trust)


def _caution(left: Array, variance: Array) -> float:
    """The c of the least relative error, not far from the usual one if kernels are few."""
    errors = [
        _relative(left + caution * variance).mean()
        + _PULL / len(left) * (caution - _USUAL_CAUTION) ** 2
        for caution in CAUTIONS
    ]
    return float(CAUTIONS[int(np.argmin(errors))])


def _relative(left: Array) -> Array:
    """Errors of seconds of log(measured / predicted); one beyond 3 counts as that."""
    found: Array = np.minimum(np.abs(np.exp(-left) - 1), 3.0)
    return found


def _points(known: Known, distance: float) -> Array:
    """x: [N, F]. Shares are of the work, launch apart, and as roots, so that small ones count."""
    parts, work = known.makeup.astype(np.float64), _work(known)[:, None]
    shares = np.sqrt(np.maximum(parts[:, makeup.LAUNCH + 1 : makeup.DISTANCE], 0) / work)
    factors = parts[:, makeup.DISTANCE :] / work / _REACH
    embedding = known.embedding.astype(np.float64) / distance
    return np.concatenate(
        [_REACH * (1 - work), _REACH * shares, factors, _REACH * embedding], axis=1
    )


def _work(known: Known) -> Array:
    """The part of a kernel that is no launch: [N]."""
    found: Array = np.maximum(1 - known.makeup[:, makeup.LAUNCH].astype(np.float64), 1e-3)
    return found


def _spread_out(embedding: npt.NDArray[Any]) -> float:
    """Root of the mean squared distance from the middle."""
    return float(np.sqrt(embedding.astype(np.float64).var(axis=0).sum())) + 1e-3


def _short(values: Array) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
