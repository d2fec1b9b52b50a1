"""Greedy placement and the load: fast answers that never fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from cosmalloc.errors import InputError
from cosmalloc.native.buffers import Buffers, Gap, Ints, capacity_of, refused

Order = Literal[
    "given",
    "start",
    "size",
    "spatial",
    "temporal",
    "area",
    "conflict",
    "degree",
    "depth",
    "scan",
    "scan_back",
    "skyline",
]
Fit = Literal["first", "best"]
ORDERS: tuple[Order, ...] = get_args(Order)
FITS: tuple[Fit, ...] = get_args(Fit)


@dataclass(frozen=True)
class Placement:
    """offsets: int64[N], -1 where a buffer did not fit under the capacity.
    peak: highest byte in use plus one. unplaced: how many did not fit (an alias group counts once).
    order, fit: what was tried, or what won.
    """

    offsets: Ints
    peak: int
    unplaced: int
    order: Order
    fit: Fit


def place(
    lower: ArrayLike,
    upper: ArrayLike,
    size: ArrayLike,
    *,
    alignment: int | ArrayLike = 1,
    capacity: int | None = None,
    fixed: ArrayLike | None = None,
    alias: ArrayLike | None = None,
    gaps: Sequence[Gap | tuple[int, int, int]] = (),
    order: Order = "size",
    fit: Fit = "first",
) -> Placement:
    """Places buffers one by one, each at its `first` (lowest) or `best` (tightest) free offset.

    Arrays as in `Buffers`; fixed buffers come first and stay, whatever the capacity.
    Orders, all but the first two descending, ties as listed:
      given     as listed
      start     first step alive: linear scan
      size      bytes: TensorFlow Lite's greedy by size
      spatial   bytes, then steps; with fit `best` XLA's global decreasing size heap
      temporal  steps, then bytes; the same heap, temporal
      area      bytes times steps
      conflict  bytes alive together with it
      degree    buffers alive together with it
      depth     largest load in its lifetime: greedy by breadth of TensorFlow Lite's GPU delegate
      scan, scan_back, skyline  O(n log n) whatever the load, with their own fit; with fixed ones,
                alias groups or gaps, and where not all fits under the capacity, they are `start`
    Raises InputError.
    """
    if order not in ORDERS:
        raise InputError(f"there is no order `{order}`", f"use one of {', '.join(ORDERS)}")
    if fit not in FITS:
        raise InputError(f"there is no fit `{fit}`", f"use one of {', '.join(FITS)}")
    buffers = Buffers(lower, upper, size, alignment=alignment, fixed=fixed, alias=alias, gaps=gaps)
    return _placement(
        buffers.blocks.place(ORDERS.index(order), fit == "best", capacity_of(capacity))
    )


def portfolio(
    lower: ArrayLike,
    upper: ArrayLike,
    size: ArrayLike,
    *,
    alignment: int | ArrayLike = 1,
    capacity: int | None = None,
    fixed: ArrayLike | None = None,
    alias: ArrayLike | None = None,
    gaps: Sequence[Gap | tuple[int, int, int]] = (),
) -> Placement:
    """Every order with both fits, from 50,000 buffers on the fast orders: fewest buffers unplaced,
    then the lowest peak. Raises InputError."""
    buffers = Buffers(lower, upper, size, alignment=alignment, fixed=fixed, alias=alias, gaps=gaps)
    return _placement(buffers.blocks.portfolio(capacity_of(capacity)))


def load(lower: ArrayLike, upper: ArrayLike, size: ArrayLike, *, steps: int | None = None) -> Ints:
    """int64[steps]: bytes alive in steps 0 to `steps` - 1, by default up to the last one alive."""
    buffers = Buffers(lower, upper, size)
    if steps is None:
        steps = max(0, int(np.max(np.asarray(upper), initial=0)))
    try:
        return buffers.blocks.load(0, steps)
    except (TypeError, ValueError) as fault:
        raise refused(fault) from None


def load_bound(
    lower: ArrayLike,
    upper: ArrayLike,
    size: ArrayLike,
    *,
    alignment: int | ArrayLike = 1,
    fixed: ArrayLike | None = None,
    alias: ArrayLike | None = None,
    gaps: Sequence[Gap | tuple[int, int, int]] = (),
) -> int:
    """No allocation is lower: the largest load of any step, padded to the common alignment."""
    return Buffers(
        lower, upper, size, alignment=alignment, fixed=fixed, alias=alias, gaps=gaps
    ).blocks.load_bound()


def _placement(raw: tuple[Ints, int, int, int, bool]) -> Placement:
    offsets, peak, unplaced, order, best = raw
    return Placement(offsets, peak, unplaced, ORDERS[order], FITS[best])
