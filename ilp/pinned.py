"""Offsets for the stays of a window, among those that lie where they lie."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.uses import Bools, Ints
from cosmalloc.ilp.layout import Layout
from cosmalloc.ilp.packing import choice_of

if TYPE_CHECKING:
    from cosmalloc.ilp.windows import Window

SECONDS = 0.3  # for one packing
FREE = -1


def pinned_offsets(open_: Layout, old: Layout, window: Window, seed: int) -> Layout | None:
    """The layout with an offset for every use; None where none was found.

    First what is on chip in the window alone moves, then everything that the window touches.
    """
    stays = stays_of(open_.uses, choice_of(open_.kept), open_.pairs)
    touched = (stays.start < window.last) & (stays.stop > window.first)
    within = (stays.start >= window.first) & (stays.stop <= window.last)
    standing = _standing(open_, stays)
    agreed = standing >= 0
    for free in (within, touched):
        if not (agreed | free).all():
            continue
        found = _fit(open_, stays, free, np.where(free, FREE, standing), seed)
        if found is not None:
            return _with_offsets(open_, stays, found)
    return None


def _standing(open_: Layout, stays: Stays) -> Ints:
    """int64[K]: the one offset that the uses outside the window have; FREE if none or two."""
    standing = np.full(len(stays), FREE, np.int64)
    rows = zip(stays.first.tolist(), stays.last.tolist(), strict=True)
    for k, (first, last) in enumerate(rows):
        known = {at for at in open_.offset[first : last + 1].tolist() if at >= 0}
        if len(known) == 1:
            standing[k] = known.pop()
    return standing


def _fit(open_: Layout, stays: Stays, free: Bools, fixed: Ints, seed: int) -> Ints | None:
    """int64[K]: offsets of all stays; None where none were found in time."""
    target = open_.uses.problem.target
    if not free.any():
        return fixed
    start, stop = int(stays.start[free].min()), int(stays.stop[free].max())
    near = np.flatnonzero((stays.start < stop) & (stays.stop > start))
    found = native.fit(
        np.maximum(stays.start[near], start),
        np.minimum(stays.stop[near], stop),
        stays.bytes[near],
        target.scratchpad_bytes,
        alignment=target.alignment,
        fixed=fixed[near],
        alias=_groups(stays, fixed)[near],
        seconds=SECONDS,
        seed=seed,
    )
    if found.interrupted:
        raise KeyboardInterrupt
    if found.offsets is None:
        return None
    offsets = fixed.copy()
    offsets[near] = found.offsets
    return offsets


def _groups(stays: Stays, fixed: Ints) -> Ints:
    """int64[K]: what shares an offset; pinned stays that lie apart are no group."""
    lies: dict[int, set[int]] = {}
    for group, at in zip(stays.group.tolist(), fixed.tolist(), strict=True):
        if at >= 0:
            lies.setdefault(group, set()).add(at)
    apart = np.array([len(lies.get(group, ())) > 1 for group in stays.group.tolist()], np.bool_)
    alone = stays.group.max(initial=0) + 1 + np.arange(len(stays))
    return np.where(apart, alone, stays.group)


def _with_offsets(open_: Layout, stays: Stays, found: Ints) -> Layout:
    offset = open_.offset.copy()
    rows = zip(stays.first.tolist(), stays.last.tolist(), found.tolist(), strict=True)
    for first, last, at in rows:
        offset[first : last + 1] = at
    return replace(open_, offset=offset)
