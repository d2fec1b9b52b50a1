"""Sliding windows: how often a window meets the input, dimension by dimension, in closed form.

    pairs = #{(o, k) : stride * o + dilation * k - low = base_dilation * i, i in [0, n)}

These are the multiplications a convolution really does along one dimension: positions in the
padding and in the holes of a dilated input do not count (XLA's HloCostAnalysis counts the same set,
by enumeration).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from cosmalloc.passes.rules.rule import Node


@dataclass(frozen=True, slots=True)
class Window:
    """One dimension of a convolution or of a windowed reduction."""

    n: int  # input positions
    out: int  # output positions
    size: int  # window positions
    stride: int
    low: int  # padding before, may be negative
    base_dilation: int = 1
    dilation: int = 1


def hits(count: int, step: int, start: int, size: int, period: int) -> int:
    """How many t in [0, count) have start + step * t = period * i for some i in [0, size)."""
    first = max(0, -(start // step))  # smallest t with start + step * t >= 0
    last = min(count - 1, (period * (size - 1) - start) // step)
    if period == 1 or last < first:
        return max(0, last - first + 1)
    shared = gcd(step, period)
    if start % shared:
        return 0
    every = period // shared  # hits repeat after so many t
    phase = (-start // shared) * pow(step // shared, -1, every) % every
    return (last - phase) // every - (first - 1 - phase) // every


@lru_cache(maxsize=1024)
def pairs(w: Window) -> int:
    """Pairs (output position, window position) that meet an input element."""
    if w.n <= 0:
        return 0
    if w.out <= w.size:
        starts = (w.stride * o - w.low for o in range(w.out))
        return sum(hits(w.size, w.dilation, start, w.n, w.base_dilation) for start in starts)
    starts = (w.dilation * k - w.low for k in range(w.size))
    return sum(hits(w.out, w.stride, start, w.n, w.base_dilation) for start in starts)


def touched(w: Window) -> int:
    """Input positions that some window meets; an upper bound where the window is dilated."""
    if w.dilation == 1 and w.base_dilation == 1 and w.size >= w.stride:
        if w.out <= 0:
            return 0
        return max(0, min(w.n, (w.out - 1) * w.stride + w.size - w.low) - max(0, -w.low))
    return max(0, min(w.n, pairs(w)))


def windows_of(
    node: Node,
    sizes: tuple[tuple[int, int, int], ...],
    names: tuple[str, str, str],
) -> list[Window]:
    """The windows of an operation.

    sizes: (input, output, window) positions per dimension. names: the attributes that hold strides,
    base dilations and window dilations. `padding` holds (low, high) per dimension.
    """
    ones = (1,) * len(sizes)
    stride, base, dilation = (node.numbers(name, ones) for name in names)
    low = node.numbers("padding", (0, 0) * len(sizes))[::2]
    return [
        Window(n, out, size, stride[d], low[d], base[d], dilation[d])
        for d, (n, out, size) in enumerate(sizes)
    ]
