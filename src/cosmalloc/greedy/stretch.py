"""Phase 3, continued: copies stretched into the seconds that running steps leave of the channel.

idle[s] seconds are left by step s. A load of c seconds that is due at border u is issued at the
latest border b with

    (1)  sum of idle[b..u) >= c

or as early as it may: the tensor's last stay over, and an off-chip copy there. The stay then holds
bytes from b on, where it lies if they are free, else it moves; if nothing is free, b comes closer.
A store ends later likewise, the stay with it. Seconds given to one copy are gone for the next. The
queue of loads is first in, first out: none is issued before another that is due earlier.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from cosmalloc.greedy.prices import Floats
from cosmalloc.greedy.transfers import Copies
from cosmalloc.greedy.uses import Uses
from cosmalloc.native import Allocation

REACH = 256  # steps that a copy may be stretched over


Turn = Literal["late", "early", "large"]  # which load is stretched first
TURNS: tuple[Turn, ...] = get_args(Turn)


def stretch(uses: Uses, copies: Copies, space: Allocation, idle: Floats, turn: Turn) -> None:
    """Moves copies into idle seconds. idle: float64[steps], used up. space: holds the stays."""
    loaded = np.flatnonzero(copies.load[:, 0] >= 0)
    start, size = copies.start[loaded], copies.bytes[loaded]
    rank = {"late": -start, "early": start, "large": -size}[turn]
    for k in loaded[np.argsort(rank, kind="stable")].tolist():
        _stretch_load(uses, copies, k, space, idle)
    for k in np.flatnonzero(copies.store[:, 0] >= 0).tolist():
        _stretch_store(uses, copies, k, space, idle)
    keep_queue(uses, copies, space)


def reach(idle: Floats, steps: range, seconds: float) -> range:
    """The first of the steps that together have this many idle seconds, or all that have any."""
    useful = 0
    for count, step in enumerate(steps, start=1):
        if idle[step] > 0:
            useful, seconds = count, seconds - float(idle[step])
            if seconds <= 0:
                break
    return steps[:useful]


def spend(idle: Floats, steps: range, seconds: float) -> float:
    """Takes seconds from the steps in turn until there are enough; those still lacking."""
    for step in steps:
        taken = min(float(idle[step]), seconds)
        idle[step] -= taken
        seconds -= taken
    return seconds


def keep_queue(uses: Uses, copies: Copies, space: Allocation) -> None:
    """Issues loads in the order in which they are due: what is due earlier is issued earlier too
    where its bytes are free, and else what is due later waits."""
    loaded = np.flatnonzero(copies.load[:, 0] >= 0)
    by_due = loaded[np.lexsort((copies.load[loaded, 0], copies.load[loaded, 1]))]
    bar = uses.steps
    for k in by_due[::-1].tolist():
        begin, due = copies.load[k].tolist()
        early = max(bar, _earliest(uses, copies, k), due - REACH)
        if early < begin and _hold(uses, copies, k, space, early, int(copies.stop[k])):
            copies.load[k, 0] = begin = early
        bar = min(bar, begin)
    begin = np.maximum.accumulate(copies.load[by_due, 0])
    copies.load[by_due, 0] = copies.start[by_due] = np.minimum(begin, copies.load[by_due, 1])


def _stretch_load(uses: Uses, copies: Copies, k: int, space: Allocation, idle: Floats) -> None:
    due = int(copies.start[k])
    seconds = copies.bytes[k] / uses.problem.target.offchip_read_bytes_per_second
    steps = range(due - 1, max(_earliest(uses, copies, k), due - REACH) - 1, -1)
    steps = reach(idle, steps, seconds)
    while steps and not _hold(uses, copies, k, space, steps[-1], int(copies.stop[k])):
        steps = steps[: len(steps) // 2]
    if steps:
        spend(idle, steps, seconds)
        copies.load[k, 0] = steps[-1]


def _earliest(uses: Uses, copies: Copies, k: int) -> int:
    """The first border at which stay k may start to load."""
    tensor = copies.tensor[k]
    if k > 0 and copies.tensor[k - 1] == tensor:
        return int(copies.stop[k - 1])
    return int(uses.step[uses.begin[tensor]]) + 1 if uses.made[tensor] else 0


def _stretch_store(uses: Uses, copies: Copies, k: int, space: Allocation, idle: Floats) -> None:
    begin, stop = int(copies.store[k, 0]), int(copies.stop[k])
    seconds = copies.bytes[k] / uses.problem.target.offchip_write_bytes_per_second
    end = min(int(copies.limit[k]), begin + REACH)
    if k + 1 < len(copies.tensor) and copies.tensor[k + 1] == copies.tensor[k]:
        end = min(end, int(copies.start[k + 1]))
    steps = range(begin, end)
    steps = reach(idle, steps, seconds)
    while steps and not _hold(
        uses, copies, k, space, int(copies.start[k]), max(stop, steps[-1] + 1)
    ):
        steps = steps[: len(steps) // 2]
    if steps:
        spend(idle, steps, seconds)
        copies.store[k, 1] = steps[-1] + 1


def _hold(uses: Uses, copies: Copies, k: int, space: Allocation, start: int, stop: int) -> bool:
    """Widens stay k to [start, stop), elsewhere if need be; False, and nothing, if it can't."""
    size, offset, key = int(copies.bytes[k]), int(copies.offset[k]), int(copies.key[k])
    old_start, old_stop = int(copies.start[k]), int(copies.stop[k])
    added = [(a, b) for a, b in ((start, old_start), (old_stop, stop)) if a < b]
    if copies.pinned[k]:
        if not all(space.is_free(a, b, offset, size) for a, b in added):
            return False
        for a, b in added:
            space.insert_at(-1 - key * uses.steps - a, a, b, size, offset)
    elif added:
        space.remove(key)
        if not space.is_free(start, stop, offset, size):
            found = space.find(start, stop, size, uses.problem.target.scratchpad_bytes, "best")
            if found < 0:
                space.insert_at(key, old_start, old_stop, size, offset)
                return False
            offset = found
        space.insert_at(key, start, stop, size, offset)
    copies.start[k], copies.stop[k], copies.offset[k] = start, stop, offset
    return True
