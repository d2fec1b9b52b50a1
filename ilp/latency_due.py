"""Stores that are over in time: rows of the program in `latency_rows`, in its letters.

f produces a tensor, u is one of the tensor's links, u' the link before it. y[u] = 1: the tensor has
left the chip before the use behind link u, which finds it off-chip, or loads it. Its store is over
by then.

    (8)  y[u] >= x[f] - k[u];  y[u] >= y[u']
    (9)  seconds of stores carried by the end of W[s] >= sum_f store[f] y[u_f]
         with u_f the last link of f's tensor that ends at step s or before

(9) is asked for where a use finds something left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cosmalloc.ilp.held import Held, Terms
from cosmalloc.ilp.sparse import Floats

if TYPE_CHECKING:
    from cosmalloc.ilp.latency_rows import Lanes


def stores_in_time(held: Held, lanes: Sequence[Lanes], seconds: Floats, top: float) -> None:
    """(8), (9). lanes: of the queues of stores. seconds: per use, of the copy. top: more than all
    of them together."""
    rows, due = held.rows, _due(held, seconds)
    carried = rows.columns(len(due), top)
    wanted = rows.columns(len(due), top)
    for s, terms in enumerate(due):
        waiting: Terms = [(lane.wait[s], 1.0) for lane in lanes]
        waiting += [(carried[s - 1], 1.0)] if s else []
        running: Terms = [(lane.step[s], 1.0) for lane in lanes]
        rows.row([*waiting, *running, (carried[s], -1.0)], 0.0, 0.0)
        before: Terms = [(wanted[s - 1], 1.0)] if s else []
        rows.row([*before, *terms, (wanted[s], -1.0)], 0.0, 0.0)
        if terms:
            rows.row([*waiting, (wanted[s], -1.0)])


def _due(held: Held, seconds: Floats) -> list[Terms]:
    """(8), and per step what it adds to the right side of (9)."""
    uses, rows = held.uses, held.rows
    due: list[Terms] = [[] for _ in range(uses.steps)]
    for f in held.stores:
        before: Terms = []
        for u in range(f, int(uses.begin[int(uses.tensor[f]) + 1]) - 1):
            left = rows.column()
            rows.row([(left, 1.0), (held.x[f], -1.0), (held.kept[u], 1.0)])
            if before:
                rows.row([(left, 1.0), *before])
            more = [(column, factor * float(seconds[f])) for column, factor in before]
            due[int(uses.step[u + 1])] += [(left, float(seconds[f])), *more]
            before = [(left, -1.0)]
    return due
