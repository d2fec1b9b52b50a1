"""A roofline whose rates are fitted to measured kernels.

    overhead = launch + sum over kinds k of calls[k] * per_call[k] + trips * per_trip      (1)
    compute  = sum over kinds k, element classes w of work[k, w] * per_work[k, w]          (2)
    memory   = data * per_byte(data)                                                       (3)
    seconds  = overhead + (compute^p + memory^p)^(1/p)                                     (4)

per_byte is piecewise in the logarithm of the bytes touched, one knot per level of the memory. p = 1
adds compute and memory, a large p takes their maximum. All rates are positive, fitted as logarithms
to log-seconds by least squares that outliers do not rule (soft L1), and pulled weakly to where they
started, so that what no kernel shows keeps a rate:

    least over theta of sum soft(((log seconds - log measured) / SOFT)^2) + |theta - start|^2 * PULL
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.summary import Summary
from cosmalloc.cost_model.work import CONTRACTIONS, COPIES, KINDS, WIDTHS, Kind

Array = npt.NDArray[np.float64]
KNOTS = tuple(float(1 << bits) for bits in (8, 13, 16, 18, 20, 21, 22, 23, 24, 26, 28))  # bytes
POWERS = (1.0, 1.5, 2.5, 5.0)
SOFT = 0.05  # an error of log-seconds from which on it counts linearly
PULL = 0.003
_WORK = tuple((kind, width) for kind in KINDS for width in WIDTHS)
_CALLS, _RATES = len(KINDS), len(_WORK)
_SIZES = (2, _CALLS, _RATES, len(KNOTS))  # launch and trip, then as named


@dataclass(frozen=True)
class Roofline:
    """The rates, in seconds: launch, per_trip; per_call of each of KINDS; per_work of each kind on
    each class of elements; per_byte at each of KNOTS. power: p."""

    launch: float
    per_trip: float
    per_call: tuple[float, ...]
    per_work: tuple[float, ...]
    per_byte: tuple[float, ...]
    power: float

    def seconds(self, summaries: Sequence[Summary]) -> Array:
        """Of one call of each kernel, launch included: [N]."""
        return self.of(quantities(summaries))

    def of(self, given: Quantities) -> Array:
        """The same from quantities: [N]."""
        return _seconds(self._theta(), given, self.power)[0]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "launch": self.launch,
            "per_trip": self.per_trip,
            "power": self.power,
            "per_call": dict(zip(KINDS, self.per_call, strict=True)),
            "per_work": {
                f"{kind} {width}": rate
                for (kind, width), rate in zip(_WORK, self.per_work, strict=True)
            },
            "per_byte": {
                str(int(knot)): rate for knot, rate in zip(KNOTS, self.per_byte, strict=True)
            },
        }

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Roofline:
        """Raises KeyError for what is missing."""
        return Roofline(
            launch=float(given["launch"]),
            per_trip=float(given["per_trip"]),
            per_call=tuple(float(given["per_call"][kind]) for kind in KINDS),
            per_work=tuple(float(given["per_work"][f"{k} {w}"]) for k, w in _WORK),
            per_byte=tuple(float(given["per_byte"][str(int(knot))]) for knot in KNOTS),
            power=float(given["power"]),
        )

    def _theta(self) -> Array:
        rates = (self.launch, self.per_trip, *self.per_call, *self.per_work, *self.per_byte)
        logs: Array = np.log(np.array(rates))
        return logs


@dataclass(frozen=True)
class Quantities:
    """N summaries as arrays: overhead [N, 2 + kinds], work [N, kinds * classes], data [N] bytes,
    level [N, knots], where between the knots data lies."""

    overhead: Array
    work: Array
    data: Array
    level: Array


def quantities(summaries: Sequence[Summary]) -> Quantities:
    """What (1) to (4) need of kernels."""
    column = {each: index for index, each in enumerate(_WORK)}
    overhead = np.zeros((len(summaries), 2 + _CALLS))
    work = np.zeros((len(summaries), _RATES))
    for row, summary in enumerate(summaries):
        overhead[row, :2] = 1, summary.trips
        for kind, times in summary.calls.items():
            overhead[row, 2 + KINDS.index(kind)] = times
        for each, amount in summary.work.items():
            work[row, column[each]] = amount
    data = np.array([float(summary.data) for summary in summaries])
    return Quantities(overhead, work, data, _level(data))


def ordinary() -> Roofline:
    """Rates of some processor, where a fit starts: 20 Gflop/s, 10 GB/s, a microsecond a launch."""
    return Roofline(
        launch=2e-6,
        per_trip=1e-7,
        per_call=tuple(1e-6 if kind in CONTRACTIONS else 1e-7 for kind in KINDS),
        per_work=tuple(_start(kind) for kind, _ in _WORK),
        per_byte=tuple(3e-11 if knot < 2e6 else 1e-10 for knot in KNOTS),
        power=1.0,
    )


def fit_roofline(
    summaries: Sequence[Summary], seconds: Array, start: Roofline | None = None, pull: float = PULL
) -> Roofline:
    """The rates that explain measured seconds best, of several powers.

    start: where rates start and what they are pulled to, as another machine's. Few kernels need a
    larger pull.
    """
    from scipy.optimize import least_squares

    given, target = quantities(summaries), np.log(seconds)
    begin = (start or ordinary())._theta()
    powers = POWERS if start is None else (start.power,)
    root = np.sqrt(pull)

    def error(theta: Array, power: float) -> Array:
        found = _seconds(theta, given, power)[0]
        return np.concatenate([np.log(found) - target, root * (theta - begin)])

    def slope(theta: Array, power: float) -> Array:
        found, slopes = _seconds(theta, given, power)
        return np.concatenate([slopes / found[:, None], root * np.eye(len(theta))])

    fits = [
        least_squares(
            error, begin, slope, args=(p,), loss="soft_l1", f_scale=SOFT, max_nfev=60, method="trf"
        )
        for p in powers
    ]
    best = min(range(len(fits)), key=lambda index: float(fits[index].cost))
    return _roofline(np.exp(fits[best].x), powers[best])


def _roofline(rates: Array, power: float) -> Roofline:
    ends = np.cumsum(_SIZES)[:-1]
    both, calls, work, data = (tuple(map(float, part)) for part in np.split(rates, ends))
    return Roofline(both[0], both[1], calls, work, data, power)


def _start(kind: Kind) -> float:
    """Seconds per unit of work."""
    if kind in COPIES:
        return 1e-10
    slow: dict[Kind, float] = {"transcendental": 2e-9, "sort": 2e-9}
    return slow.get(kind, 5e-11 if kind in CONTRACTIONS else 2e-10)


def _level(data: Array) -> Array:
    """Weights of the two knots next to each size, linear in its logarithm: [N, knots]."""
    at = np.interp(np.log(np.maximum(data, 1)), np.log(KNOTS), np.arange(len(KNOTS)))
    low = np.minimum(at.astype(int), len(KNOTS) - 2)
    weights = np.zeros((len(data), len(KNOTS)))
    rows = np.arange(len(data))
    weights[rows, low], weights[rows, low + 1] = 1 - (at - low), at - low
    return weights


def _seconds(theta: Array, given: Quantities, power: float) -> tuple[Array, Array]:
    """Seconds [N] and their derivatives by theta [N, rates]."""
    ends = np.cumsum([2 + _CALLS, _RATES])
    over, rates, levels = np.split(theta, ends)
    tiny = 1e-15
    overhead = given.overhead * np.exp(over)
    parts = given.work * np.exp(rates)
    compute = parts.sum(1) + tiny
    memory = given.data * np.exp(given.level @ levels) + tiny
    most = np.maximum(compute, memory)
    norm = most * ((compute / most) ** power + (memory / most) ** power) ** (1 / power)
    by_compute, by_memory = (compute / norm) ** (power - 1), (memory / norm) ** (power - 1)
    slopes = np.concatenate(
        [overhead, by_compute[:, None] * parts, (by_memory * memory)[:, None] * given.level], 1
    )
    return overhead.sum(1) + norm, slopes
