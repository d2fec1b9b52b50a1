"""Offsets only: buffers of known lifetimes into one address space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cosmalloc import native
from cosmalloc.buffers_csv import BufferTable
from cosmalloc.plan import Status


@dataclass(frozen=True)
class Packing:
    """status: `optimal` (least peak, proven), `feasible`, `infeasible` (proven) or `unknown`.
    offsets: int64[N], None without a plan. peak: highest byte in use plus one, None without a plan.
    bound: bytes, proven: no plan has a lower peak. interrupted: by Ctrl-C.
    """

    status: Status
    offsets: NDArray[np.int64] | None
    peak: int | None
    bound: int
    interrupted: bool
    seconds: float = field(compare=False)


def pack(
    table: BufferTable,
    capacity: int | None = None,
    *,
    seconds: float = 10.0,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> Packing:
    """A plan under `capacity`; None: the least peak, of which `progress` is told (peak, bound) as
    they get better. InputError for an unsound table."""
    columns = (table.lower, table.upper, table.size)
    if capacity is None:
        least = native.minimize(
            *columns,
            alignment=table.alignment,
            fixed=table.fixed,
            seconds=seconds,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        return Packing(
            least.status, least.offsets, least.peak, least.bound, least.interrupted, least.seconds
        )
    bound = native.load_bound(*columns, alignment=table.alignment, fixed=table.fixed)
    found = native.fit(
        *columns,
        capacity,
        alignment=table.alignment,
        fixed=table.fixed,
        seconds=seconds,
        seed=seed,
        threads=threads,
    )
    if found.offsets is None:
        proven = max(bound, capacity + 1) if found.status == "infeasible" else bound
        return Packing(found.status, None, None, proven, found.interrupted, found.seconds)
    peak = peak_of(table, found.offsets)
    status: Status = "optimal" if peak == bound else "feasible"
    return Packing(status, found.offsets, peak, bound, found.interrupted, found.seconds)


def peak_of(table: BufferTable, offsets: NDArray[np.int64]) -> int:
    """Highest byte in use plus one."""
    alive = (table.upper > table.lower) & (table.size > 0)
    return int(np.max((offsets + table.size)[alive], initial=0))
