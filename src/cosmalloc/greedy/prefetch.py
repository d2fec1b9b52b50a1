"""Under `anywhere`: off-chip reads brought in early where idle seconds hide the copy.

    save(u) = seconds(step of u | u off-chip) - seconds(step of u | u on chip)
    window  = [b, u], b the latest border with idle[b..u) >= seconds of the load
    gain(u) = save(u) - seconds of the load that no step in the window hides

Uses are taken by seconds saved per byte, each at a free offset or not at all.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from cosmalloc.greedy.agree import ends_of
from cosmalloc.greedy.board import ABSENT
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.prices import Floats
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.stretch import REACH, keep_queue, reach, spend
from cosmalloc.greedy.transfers import Copies
from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.native import Allocation

FRESH = 2**40  # plus the row: the key of a stay that prefetching adds
Found = tuple[int, int, int, int, int]  # key, tensor, offset, start, stop


def prefetch(
    roofline: Roofline, choice: Choice, copies: Copies, space: Allocation, idle: Floats
) -> Copies:
    """The copies and what prefetching adds. idle: float64[steps], used up; space: filled."""
    uses = roofline.uses
    target = uses.problem.target
    moving = roofline.moving_seconds(choice.on)
    first_valid, taken = _valid_from(uses, copies), _taken(uses, copies)
    found: list[Found] = []
    for row in _ranked(roofline, choice, moving):
        tensor, due = int(uses.tensor[row]), int(uses.step[row])
        size = int(uses.bytes[tensor])
        near, off = float(roofline.near[row]), float(roofline.off[row])
        compute, now = float(roofline.compute[due]), float(moving[due])
        save = max(compute, now) - max(compute, now - off + near)
        low = max(int(first_valid[tensor]), due - REACH, _end_before(taken[tensor], due))
        if save <= 0 or low > due or _meets(taken[tensor], due):
            continue
        before = idle[low:due].copy()
        copy = size / target.offchip_read_bytes_per_second
        steps = reach(idle, range(due - 1, low - 1, -1), copy)
        lacking = spend(idle, steps, copy)
        start = steps[-1] if steps else due
        offset = space.find(start, due + 1, size, target.scratchpad_bytes, "best")
        if offset < 0 or save <= lacking:
            idle[low:due] = before
            continue
        space.insert_at(FRESH + row, start, due + 1, size, offset)
        moving[due] += near - off
        idle[due] += max(0.0, off - save)
        found.append((FRESH + row, tensor, offset, start, due + 1))
        taken[tensor].append((start, due + 1))
    return _joined(uses, copies, found, space)


def _ranked(roofline: Roofline, choice: Choice, moving: Floats) -> list[int]:
    """Off-chip reads by seconds saved per byte, the most first; not of what is updated there."""
    uses = roofline.uses
    updated = np.zeros(len(uses.step), np.bool_)
    updated[[row for end in ends_of(uses) for row in end.operands if row != ABSENT]] = True
    rows = np.flatnonzero(~choice.on & ~uses.produces & ~updated)
    compute, now = roofline.compute[uses.step[rows]], moving[uses.step[rows]]
    after = now - roofline.off[rows] + roofline.near[rows]
    save = np.maximum(compute, now) - np.maximum(compute, after)
    worth = save / uses.bytes[uses.tensor[rows]]
    ranked: list[int] = rows[np.argsort(-worth, kind="stable")][: int((save > 0).sum())].tolist()
    return ranked


def _valid_from(uses: Uses, copies: Copies) -> Ints:
    """int64[T]: the border from which an off-chip copy exists."""
    valid = np.zeros(len(uses.bytes), np.int64)
    made = np.flatnonzero(uses.made & (np.diff(uses.begin) > 0))
    valid[made] = uses.step[uses.begin[made]] + 1
    stored = copies.store[:, 0] >= 0
    valid[copies.tensor[stored]] = copies.store[stored, 1]
    return valid


def _taken(uses: Uses, copies: Copies) -> list[list[tuple[int, int]]]:
    """Per tensor the steps of its stays."""
    taken: list[list[tuple[int, int]]] = [[] for _ in uses.bytes]
    for tensor, start, stop in zip(
        copies.tensor.tolist(), copies.start.tolist(), copies.stop.tolist(), strict=True
    ):
        taken[tensor].append((start, stop))
    return taken


def _end_before(stays: list[tuple[int, int]], step: int) -> int:
    return max((stop for _, stop in stays if stop <= step), default=0)


def _meets(stays: list[tuple[int, int]], step: int) -> bool:
    return any(start <= step < stop for start, stop in stays)


def _joined(uses: Uses, copies: Copies, found: list[Found], space: Allocation) -> Copies:
    """All stays in one, still sorted."""
    if not found:
        return copies
    key, tensor, offset, start, stop = np.array(found, np.int64).T
    joined = Copies(
        np.append(copies.tensor, tensor),
        np.append(copies.bytes, uses.bytes[tensor]),
        np.append(copies.offset, offset),
        np.append(copies.start, start),
        np.append(copies.stop, stop),
        np.concatenate([copies.load, np.stack([start, stop - 1], 1)]),
        np.concatenate([copies.store, np.full((len(found), 2), -1)]),
        np.append(copies.limit, np.full(len(found), uses.steps)),
        np.append(copies.key, key),
        np.append(copies.pinned, np.zeros(len(found), np.bool_)),
    )
    by_start = np.lexsort((joined.start, joined.tensor))
    joined = Copies(*(getattr(joined, f.name)[by_start] for f in fields(Copies)))
    keep_queue(uses, joined, space)
    return joined
