"""Phase 2, section by section: offsets for stays, without touching the links.

Sections share no byte over a border, so each is packed by itself. A section of one step always
fits: its buffers are stacked, the largest rounding on top (see working_set). Any other goes to the
native allocator: its portfolio of orders, then its exact search.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.board import ABSENT
from cosmalloc.greedy.stays import Stays, sections
from cosmalloc.greedy.uses import Bools, Ints, Uses


def place_sections(uses: Uses, stays: Stays, standing: Ints) -> Ints:
    """int64[K]: offsets, ABSENT for what the portfolio left over. standing: int64[K], offsets of
    before; a section that has them all keeps them."""
    offset = standing.copy()
    for section in sections(stays):
        if (offset[section] == ABSENT).any():
            offset[section] = repack(uses, stays, section)
    return offset


def repack(uses: Uses, stays: Stays, section: Ints) -> Ints:
    """int64[len(section)]: offsets inside the scratchpad, ABSENT for what did not fit."""
    target = uses.problem.target
    start, stop = stays.start[section], stays.stop[section]
    if int(stop.max() - start.min()) == 1:
        offset = stack(stays, section, target.alignment)
        fits = offset + stays.bytes[section] <= target.scratchpad_bytes  # all do under `resident`
        return np.where(fits, offset, ABSENT)
    return native.portfolio(
        start,
        stop,
        stays.bytes[section],
        alignment=target.alignment,
        capacity=target.scratchpad_bytes,
        alias=stays.group[section],
    ).offsets


def fit_sections(uses: Uses, stays: Stays, offset: Ints, seconds: float, seed: int) -> Ints:
    """int64[K]: offsets, those of sections that lack some found by exact search, if it does in
    `seconds` each; it stops at the first section that stays without."""
    target = uses.problem.target
    offset = offset.copy()
    for section in sections(stays):
        if (offset[section] == ABSENT).any():
            found = native.fit(
                stays.start[section],
                stays.stop[section],
                stays.bytes[section],
                target.scratchpad_bytes,
                alignment=target.alignment,
                alias=stays.group[section],
                seconds=seconds,
                seed=seed,
            )
            if found.interrupted:
                raise KeyboardInterrupt
            if found.offsets is None:
                return offset
            offset[section] = found.offsets
    return offset


def crowded_steps(uses: Uses, stays: Stays, offset: Ints) -> Bools:
    """bool[steps]: the steps of sections in which a stay lacks its offset."""
    crowded = np.zeros(uses.steps, np.bool_)
    for section in sections(stays):
        if (offset[section] == ABSENT).any():
            crowded[stays.start[section].min() : stays.stop[section].max()] = True
    return crowded


def stack(stays: Stays, section: Ints, alignment: int) -> Ints:
    """int64[len(section)]: groups upon each other, the one that loses most by rounding on top."""
    group, size = stays.group[section].tolist(), stays.bytes[section].tolist()
    tall: dict[int, int] = {}
    for each, high in zip(group, size, strict=True):
        tall[each] = max(high, tall.get(each, 0))
    at: dict[int, int] = {}
    top = 0
    for each, high in sorted(tall.items(), key=lambda item: -item[1] % alignment):
        at[each] = top
        top += high + -high % alignment
    return np.array([at[each] for each in group], np.int64)
