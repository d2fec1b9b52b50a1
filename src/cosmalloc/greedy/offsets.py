"""Phase 2: offsets for the stays of a choice; what cannot be packed loses links until it can.

The program falls into sections that share no byte over a border. A section of one step always fits:
its buffers are stacked, the largest rounding on top (see working_set). Any other is repacked by the
native allocator. For every stay left over, the link that is cheapest per byte-step of the stay's
own box is dropped, among the links of all stays alive together with it:

    price(l) / (min(bytes of l's tensor, bytes of the stay) * steps that l's gap shares with the
    stay)

Each round keeps strictly fewer links, and without links every section is one step: it ends with a
plan if there is one.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.links import Choice, drop_price
from cosmalloc.greedy.stays import Stays, sections, stays_of
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair

NOWHERE = -1


def pack(uses: Uses, choice: Choice, pairs: tuple[Pair, ...]) -> tuple[Choice, Stays, Ints]:
    """The choice with the links that survived, its stays, and their offsets int64[K]."""
    target = uses.problem.target
    kept = choice.kept.copy()
    choice = Choice(choice.on, kept)
    standing = np.full(len(uses.step), NOWHERE, np.int64)  # offset of the stay that starts at a row
    settled = np.zeros(len(uses.step), np.bool_)  # by first row: its section is packed
    while True:
        stays = stays_of(uses, choice, pairs)
        open_sections = [s for s in sections(stays) if not settled[stays.first[s]].all()]
        if not open_sections:
            return choice, stays, standing[stays.first]
        price = drop_price(uses, choice)
        for section in open_sections:
            offsets = repack(stays, section, target.scratchpad_bytes, target.alignment)
            if (offsets >= 0).all():
                standing[stays.first[section]] = offsets
                settled[stays.first[section]] = True
            else:
                for left_over in section[offsets < 0].tolist():
                    drop_cheapest(uses, kept, price, stays, section, left_over)


def repack(stays: Stays, section: Ints, capacity: int, alignment: int) -> Ints:
    """int64[len(section)]: offsets below `capacity`, NOWHERE for what did not fit."""
    start, stop = stays.start[section], stays.stop[section]
    if int(stop.max() - start.min()) == 1:
        return stack(stays, section, alignment)
    return native.portfolio(
        start,
        stop,
        stays.bytes[section],
        alignment=alignment,
        capacity=capacity,
        alias=stays.group[section],
    ).offsets


def stack(stays: Stays, section: Ints, alignment: int) -> Ints:
    """int64[len(section)]: groups one upon the other, the one that loses most by rounding on
    top.
    """
    tall: dict[int, int] = {}
    for group, size in zip(
        stays.group[section].tolist(), stays.bytes[section].tolist(), strict=True
    ):
        tall[group] = max(size, tall.get(group, 0))
    at: dict[int, int] = {}
    top = 0
    for group, size in sorted(tall.items(), key=lambda item: -item[1] % alignment):
        at[group] = top
        top += size + -size % alignment
    return np.array([at[group] for group in stays.group[section].tolist()], np.int64)


def drop_cheapest(
    uses: Uses, kept: Bools, price: Ints, stays: Stays, section: Ints, left_over: int
) -> None:
    """Drops the kept link whose loss helps stay `left_over` most per byte of traffic, if this round
    left one.
    """
    start, stop = stays.start[left_over], stays.stop[left_over]
    beside = section[(stays.start[section] < stop) & (stays.stop[section] > start)]
    counts = stays.last[beside] - stays.first[beside]
    rows = np.repeat(stays.first[beside], counts) + _within(counts)
    rows = rows[kept[rows]]
    shared = np.minimum(uses.step[rows + 1], stop) - np.maximum(uses.step[rows] + 1, start)
    size = np.minimum(uses.bytes[uses.tensor[rows]], stays.bytes[left_over])
    if len(rows):
        kept[rows[np.argmin(price[rows] / (size * np.maximum(shared, 0.5)))]] = False


def _within(counts: Ints) -> Ints:
    """0 .. counts[0] - 1, 0 .. counts[1] - 1, and so on."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
