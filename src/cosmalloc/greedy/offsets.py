"""Phase 2: offsets for the stays of a choice; links are dropped until all stays have one.

The program falls into sections that share no byte over a border. A section of one step always
fits: its buffers are stacked, the largest rounding on top (see working_set). Any other is packed by
the native allocator, and what is left over is settled among the rest (see repair), which moves
stays and drops links. For a stay that still has no place, the cheapest link nearby is dropped,

    cheapest = min over kept links l that meet the stay's steps of price(l) / (1 + steps shared)

and its section is packed anew. That keeps strictly fewer links each round, and without links every
section is one step: it ends with a plan if there is one. Last, dropped links come back where that
pays.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.board import ABSENT, Board
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.prices import Prices
from cosmalloc.greedy.repair import Stay, admit, admit_chain, improve
from cosmalloc.greedy.stays import Stays, sections, stays_of
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair

PASSES = 4  # over the dropped links, at the end


def pack(uses: Uses, kept: Bools, prices: Prices, pairs: tuple[Pair, ...]) -> Board:
    """The board on which every stay of the links that survived or came back has an offset."""
    kept = kept.copy()
    offset = np.full(len(uses.step), ABSENT, np.int64)  # by first row
    while True:
        stays = stays_of(uses, Choice.of(kept, prices.lone), pairs)
        for section in sections(stays):
            rows = stays.first[section]
            if (offset[rows] == ABSENT).any():
                offset[rows] = repack(uses, stays, section)
        board = set_up(uses, kept, prices, stays, offset)
        stuck = settle_left_over(board, stays)
        if not stuck:
            improve(board, PASSES)
            return board
        for stay in stuck:
            drop_nearby(board, stay)
        kept, offset = board.kept, board.offset


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


def set_up(uses: Uses, kept: Bools, prices: Prices, stays: Stays, offset: Ints) -> Board:
    """The board with every stay that has an offset; in-place partners at one offset (or without)
    are pinned to each other."""
    board = Board(uses, kept, prices)
    at = offset[stays.first]
    for result, operand in enumerate(stays.before.tolist()):
        if operand != ABSENT and at[operand] == at[result]:
            a, r = stays.last[operand], stays.first[result]
            board.pinned[[a, r]] = True
            board.trimmed[a if board.bytes[a] <= board.bytes[r] else r] = True
    rows = zip(stays.first.tolist(), stays.last.tolist(), at.tolist(), strict=True)
    for first, last, place in rows:
        if place != ABSENT:
            board.stand(first, last, place)
    return board


def settle_left_over(board: Board, stays: Stays) -> list[Stay]:
    """Places what the packing left over; returns what stays without a place."""
    absent = np.flatnonzero(board.last[stays.first] == ABSENT)
    chains: dict[int, list[Stay]] = {}
    for k in absent.tolist():
        chains.setdefault(int(stays.group[k]), []).append((int(stays.first[k]), int(stays.last[k])))
    stuck: list[Stay] = []
    for chain in chains.values():
        stuck += admit(board, chain[0]) if len(chain) == 1 else admit_chain(board, chain)
    return stuck


def drop_nearby(board: Board, stay: Stay) -> None:
    """Drops the cheapest kept link that meets the stay's steps, if this round left one."""
    step = board.uses.step
    start, stop = step[stay[0]], step[stay[1]] + 1
    near = np.flatnonzero(board.kept & (step < stop) & (np.roll(step, -1) >= start))
    if len(near):
        shared = np.minimum(step[near + 1], stop) - np.maximum(step[near] + 1, start)
        board.toggle(int(near[np.argmin(board.price[near] / (1 + np.maximum(shared, 0)))]))
