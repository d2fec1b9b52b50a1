"""Phase 3, continued: copies stretched into the seconds that running steps leave of the channel.

idle[s] seconds are left by step s. A load of c seconds that is due at border u is issued at the
latest border b with

    (1)  sum of idle[b..u) >= c

or as early as it may, if no such b is reached: its bytes must be free in [b, u), the tensor's last
stay over, and an off-chip copy there. A store likewise ends later, the stay with it. Seconds given
to one copy are gone for the next. The queue of loads is first in, first out, so no load is
issued before another that is due earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from cosmalloc.greedy.prices import Floats
from cosmalloc.greedy.transfers import Copies
from cosmalloc.greedy.uses import Uses
from cosmalloc.native import Allocation

REACH = 256  # steps that a copy may be stretched over


def stretch(uses: Uses, copies: Copies, space: Allocation, idle: Floats) -> None:
    """Moves copies into idle seconds. idle: float64[steps], used up."""
    _stretch_loads(uses, copies, space, idle)
    _stretch_stores(uses, copies, space, idle)
    keep_queue(copies)


def spend(idle: Floats, steps: Iterable[int], seconds: float) -> tuple[int | None, float]:
    """Takes seconds from the steps in turn until there are enough; the last step that gave some,
    and the seconds still lacking."""
    last = None
    for step in steps:
        if idle[step] > 0:
            last = step
            taken = min(float(idle[step]), seconds)
            idle[step] -= taken
            seconds -= taken
            if seconds <= 0:
                break
    return last, seconds


def keep_queue(copies: Copies) -> None:
    """Issues loads no earlier than those that are due before them."""
    loaded = np.flatnonzero(copies.load[:, 0] >= 0)
    by_due = loaded[np.lexsort((copies.load[loaded, 0], copies.load[loaded, 1]))]
    begin = np.maximum.accumulate(copies.load[by_due, 0])
    copies.load[by_due, 0] = copies.start[by_due] = np.minimum(begin, copies.load[by_due, 1])


def _stretch_loads(uses: Uses, copies: Copies, space: Allocation, idle: Floats) -> None:
    speed = uses.problem.target.offchip_read_bytes_per_second
    loaded = np.flatnonzero(copies.load[:, 0] >= 0)
    for k in loaded[np.argsort(-copies.start[loaded], kind="stable")].tolist():
        due, size, offset = int(copies.start[k]), int(copies.bytes[k]), int(copies.offset[k])
        steps = range(due - 1, max(_earliest(uses, copies, k), due - REACH) - 1, -1)
        begin, _ = spend(idle, _while_free(space, steps, offset, size), size / speed)
        if begin is not None:
            space.insert_at(-1 - 2 * k, begin, due, size, offset)
            copies.start[k] = copies.load[k, 0] = begin


def _earliest(uses: Uses, copies: Copies, k: int) -> int:
    """The first border at which stay k may start to load."""
    tensor = copies.tensor[k]
    if k > 0 and copies.tensor[k - 1] == tensor:
        return int(copies.stop[k - 1])
    return int(uses.step[uses.begin[tensor]]) + 1 if uses.made[tensor] else 0


def _stretch_stores(uses: Uses, copies: Copies, space: Allocation, idle: Floats) -> None:
    speed = uses.problem.target.offchip_write_bytes_per_second
    for k in np.flatnonzero(copies.store[:, 0] >= 0).tolist():
        begin, stop = int(copies.store[k, 0]), int(copies.stop[k])
        size, offset = int(copies.bytes[k]), int(copies.offset[k])
        end = min(int(copies.limit[k]), begin + REACH)
        if k + 1 < len(copies.tensor) and copies.tensor[k + 1] == copies.tensor[k]:
            end = min(end, int(copies.start[k + 1]))
        inside = range(begin, min(stop, end))
        beyond = _while_free(space, range(stop, end), offset, size)
        last, _ = spend(idle, (*inside, *beyond), size / speed)
        if last is not None:
            copies.store[k, 1] = last + 1
            if last + 1 > stop:
                space.insert_at(-2 - 2 * k, stop, last + 1, size, offset)
                copies.stop[k] = last + 1


def _while_free(space: Allocation, steps: Iterable[int], offset: int, size: int) -> Iterator[int]:
    for step in steps:
        if not space.is_free(step, step + 1, offset, size):
            return
        yield step
