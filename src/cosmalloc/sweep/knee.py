"""The knee: the size behind which more scratchpad buys little.

For the sizes s[0] < … < s[n] that have a plan, v[k] the least traffic (or latency) of s[0] to s[k]:
    (1)  x[k] = log(s[k] / s[0]) / log(s[n] / s[0])
    (2)  y[k] = (v[k] - v[n]) / (v[0] - v[n])
    (3)  knee = argmax of 1 - x[k] - y[k], the first of several
The point farthest below the straight line from the first to the last: Kneedle (Satopää, Albrecht,
Irwin, Raghavan 2011) on a logarithmic axis of sizes, without its smoothing. A flat curve has its
knee at s[0].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from cosmalloc.sweep.case import Row

RULE = "the size farthest below the line from the first to the last plan, sizes on a log axis"


@dataclass(frozen=True, slots=True)
class Knee:
    """measure: `traffic` or `latency`. scratchpad: bytes. value: bytes or seconds there."""

    model: str
    solver: str
    measure: str
    scratchpad: int
    value: float


def knees(rows: Sequence[Row]) -> tuple[Knee, ...]:
    """For each model and solver the knee of traffic and of latency, where there are plans."""
    found = []
    for model, solver in dict.fromkeys((row.model, row.solver) for row in rows):
        mine = [row for row in rows if (row.model, row.solver) == (model, solver)]
        for measure in ("traffic", "latency"):
            points = sorted(
                (row.scratchpad, float(value))
                for row in mine
                if (value := getattr(row, measure)) is not None
            )
            if points:
                at, value = points[knee_of(points)]
                found.append(Knee(model, solver, measure, at, value))
    return tuple(found)


def knee_of(points: Sequence[tuple[int, float]]) -> int:
    """The index of the knee among (size, value), at least one, sizes ascending and above 0."""
    sizes = [math.log(size) for size, _ in points]
    values = list(accumulate((value for _, value in points), min))
    wide, high = sizes[-1] - sizes[0], values[0] - values[-1]
    if wide <= 0 or high <= 0:
        return 0

    def below(k: int) -> float:  # (3)
        return 1 - (sizes[k] - sizes[0]) / wide - (values[k] - values[-1]) / high

    return max(range(len(points)), key=lambda k: (below(k), -k))
