"""Sizes that cost about what a model may cost."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log
from typing import TypeVar

from cosmalloc.cost_model.corpus.draw import Draw

LOWEST_FLOPS, HIGHEST_FLOPS = 10**5, 10**9  # of a model's costliest matrix product
MOST_ELEMENTS = 7_500_000  # of one tensor: 30 MB of float32
CANDIDATES = 48

T = TypeVar("T")


def budget(draw: Draw, low: int = LOWEST_FLOPS, high: int = HIGHEST_FLOPS) -> int:
    """Floating-point operations of the costliest product: the larger of two sizes drawn.

    The logarithm of one would be uniform; most kernels of a model cost less than its costliest.
    """
    return max(draw.size(low, high), draw.size(low, high))


def fit(flops: int, sample: Callable[[], T], cost: Callable[[T], tuple[float, float]]) -> T:
    """Of some samples the one whose cost is nearest to `flops`, in logarithms.

    cost: (floating-point operations of the costliest product, elements of the largest tensor).
    Samples with a tensor that is too large are passed over; where all are, more are drawn.
    """
    best, distance, drawn = sample(), inf, 0
    while drawn < CANDIDATES or distance == inf:
        candidate = sample()
        drawn += 1
        operations, elements = cost(candidate)
        if elements > MOST_ELEMENTS or operations > 1.5 * HIGHEST_FLOPS:
            continue
        away = abs(log(operations / flops))
        if away < distance:
            best, distance = candidate, away
    return best


def at_most(draw: Draw, low: int, high: int, *limits: float) -> int:
    """A size in [low, high] below every limit too, `low` where a limit is lower than that."""
    top = int(min(high, *limits))
    return draw.size(low, top) if top > low else low
