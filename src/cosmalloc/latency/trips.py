"""Trips of loops that were unrolled, by their operators' names: `fusion.3@7` runs in trip 7."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cosmalloc.problem import Problem

_TRIP = re.compile(r"((?:@\d+)+)$")


def trips_of(problem: Problem, order: Sequence[int]) -> tuple[int, ...]:
    """Per step the first step of its trip (of the innermost loop), -1 outside of loops; () if there
    is none."""
    starts: list[int] = []
    before = ""
    for step, operator in enumerate(order):
        found = _TRIP.search(problem.operators[operator].name)
        trip = "" if found is None else found[1]
        first = starts[-1] if starts and trip == before else step
        starts.append(first if trip else -1)
        before = trip
    return tuple(starts) if any(start >= 0 for start in starts) else ()
