"""Exact search: does it fit, and how small can the peak be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from numpy.typing import ArrayLike

from cosmalloc.errors import InputError
from cosmalloc.native.buffers import Buffers, Gap, Ints, capacity_of

FitStatus = Literal["feasible", "infeasible", "unknown"]
MinimumStatus = Literal["optimal", "feasible"]
_FIT_STATUSES: tuple[FitStatus, ...] = ("feasible", "infeasible", "unknown")


@dataclass(frozen=True)
class Fitting:
    """status: `feasible` (offsets), `infeasible` (proven) or `unknown` (time or patience ran out).
    offsets: int64[N], None unless feasible. nodes: of the search tree.
    interrupted: Ctrl-C ended the search. seconds: wall time.
    """

    status: FitStatus
    offsets: Ints | None
    nodes: int
    interrupted: bool
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class Minimum:
    """status: `optimal` if peak == bound, else `feasible`. offsets: int64[N].
    peak: highest byte in use plus one. bound: proven, no allocation has less.
    nodes, interrupted, seconds: as in `Fitting`.
    """

    status: MinimumStatus
    offsets: Ints
    peak: int
    bound: int
    nodes: int
    interrupted: bool
    seconds: float = field(compare=False)


def fit(
    lower: ArrayLike,
    upper: ArrayLike,
    size: ArrayLike,
    capacity: int,
    *,
    alignment: int | ArrayLike = 1,
    fixed: ArrayLike | None = None,
    alias: ArrayLike | None = None,
    gaps: Sequence[Gap | tuple[int, int, int]] = (),
    seconds: float = 10.0,
    seed: int = 0,
    threads: int = 1,
) -> Fitting:
    """Offsets under `capacity` bytes, a proof that there are none, or neither in `seconds`.

    Arrays as in `Buffers`. Same arguments, same offsets, unless time runs out.
    Raises InputError.
    """
    buffers = Buffers(lower, upper, size, alignment=alignment, fixed=fixed, alias=alias, gaps=gaps)
    start = time.perf_counter()
    status, offsets, nodes, interrupted = buffers.blocks.fit(
        capacity_of(capacity), float(seconds), _seed(seed), _threads(threads)
    )
    return Fitting(
        _FIT_STATUSES[status],
        offsets if status == 0 else None,
        nodes,
        interrupted,
        time.perf_counter() - start,
    )


def minimize(
    lower: ArrayLike,
    upper: ArrayLike,
    size: ArrayLike,
    *,
    alignment: int | ArrayLike = 1,
    fixed: ArrayLike | None = None,
    alias: ArrayLike | None = None,
    gaps: Sequence[Gap | tuple[int, int, int]] = (),
    seconds: float = 10.0,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> Minimum:
    """The smallest peak found in `seconds`, and a proven bound; arguments as in `fit`.

    progress: called with (peak, bound) in the calling thread, within milliseconds of either getting
    better and twice a second besides; what it raises ends the search and is raised.
    """
    buffers = Buffers(lower, upper, size, alignment=alignment, fixed=fixed, alias=alias, gaps=gaps)
    start = time.perf_counter()
    offsets, peak, bound, nodes, interrupted = buffers.blocks.minimize(
        float(seconds), _seed(seed), _threads(threads), progress
    )
    status: MinimumStatus = "optimal" if peak == bound else "feasible"
    elapsed = time.perf_counter() - start
    return Minimum(status, offsets, peak, bound, nodes, interrupted, elapsed)


def _seed(seed: int) -> int:
    if not 0 <= seed < 2**63:
        raise InputError(f"a seed of {seed}", "use 0 to 2**63 - 1")
    return int(seed)


def _threads(threads: int) -> int:
    if not 1 <= threads <= 64:
        raise InputError(f"{threads} threads", "use 1 to 64")
    return int(threads)
