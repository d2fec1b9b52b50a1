"""Phase 2: offsets for the stays of a choice; links are dropped until every stay has one.

Sections are packed and searched (see sections). What that leaves over is settled among the rest
(see repair), which moves stays and drops links. For a stay that still has no place, the cheapest
link nearby is dropped,

    cheapest = min over kept links l that meet the stay's steps of price(l) / (1 + steps shared)

and its section is packed anew. That keeps strictly fewer links each round, and without links every
section is one step: under `resident` it ends with a plan if there is one, under `anywhere` a use
without a place leaves the chip. Last, dropped links come back where that pays.
"""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.board import ABSENT, Board
from cosmalloc.greedy.budget import Budget
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.prices import Prices
from cosmalloc.greedy.regain import improve
from cosmalloc.greedy.repair import Stay, admit, admit_chain
from cosmalloc.greedy.sections import fit_sections, place_sections
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair


def pack(
    uses: Uses,
    kept: Bools,
    prices: Prices,
    pairs: tuple[Pair, ...],
    seconds: float = 0.5,
    seed: int = 0,
) -> Board:
    """The board on which every stay of the links that survived or came back has an offset.

    seconds: soft, for exact search and, if that fails, repair.
    """
    stays, offset = fitted(uses, kept, prices, pairs, seconds / 2, seed)
    if (offset != ABSENT).all():
        return set_up(uses, kept.copy(), prices, stays, offset)
    return repaired(uses, kept, prices, pairs, Budget.of(seconds / 2))


def fitted(
    uses: Uses,
    kept: Bools,
    prices: Prices,
    pairs: tuple[Pair, ...],
    seconds: float,
    seed: int,
) -> tuple[Stays, Ints]:
    """The stays of these links, and offsets int64[K] as far as search finds them in `seconds` a
    section, ABSENT beyond."""
    stays = stays_of(uses, Choice.of(kept, prices.lone), pairs)
    offset = place_sections(uses, stays, np.full(len(stays), ABSENT))
    return stays, fit_sections(uses, stays, offset, seconds, seed)


def repaired(
    uses: Uses, kept: Bools, prices: Prices, pairs: tuple[Pair, ...], budget: Budget
) -> Board:
    """The board after as many links are lost as it takes, and won back as many as pays."""
    kept = kept.copy()
    offset = np.full(len(uses.step), ABSENT, np.int64)  # by first row
    while True:
        stays = stays_of(uses, Choice.of(kept, prices.lone), pairs)
        board = set_up(uses, kept, prices, stays, place_sections(uses, stays, offset[stays.first]))
        stuck = _settle_left_over(board, stays)
        if not stuck:
            return improved(board, pairs, budget)
        for stay in stuck:
            _drop_nearby(board, stay)
        kept, offset = board.kept, board.offset


def improved(board: Board, pairs: tuple[Pair, ...], budget: Budget) -> Board:
    """The board with dropped links kept where that pays; as it was if Ctrl-C interrupts."""
    kept, lone, offset = board.kept.copy(), board.prices.lone.copy(), board.offset.copy()
    try:
        improve(board, budget)
    except KeyboardInterrupt:
        board.prices.lone[:] = lone
        stays = stays_of(board.uses, Choice.of(kept, lone), pairs)
        return set_up(board.uses, kept, board.prices, stays, offset[stays.first])
    return board


def set_up(uses: Uses, kept: Bools, prices: Prices, stays: Stays, offset: Ints) -> Board:
    """The board with every stay that has an offset; in-place partners at one offset (or without)
    are pinned to each other. offset: int64[K]."""
    board = Board(uses, kept, prices)
    for result, operand in enumerate(stays.before.tolist()):
        if operand != ABSENT and offset[operand] == offset[result]:
            a, r = stays.last[operand], stays.first[result]
            board.pinned[[a, r]] = True
            board.trimmed[a if board.bytes[a] <= board.bytes[r] else r] = True
    rows = zip(stays.first.tolist(), stays.last.tolist(), offset.tolist(), strict=True)
    for first, last, place in rows:
        if place != ABSENT:
            board.stand(first, last, place)
    return board


def _settle_left_over(board: Board, stays: Stays) -> list[Stay]:
    """Places what the packing left over; returns what stays without a place."""
    absent = np.flatnonzero(board.last[stays.first] == ABSENT)
    chains: dict[int, list[Stay]] = {}
    for k in absent.tolist():
        chains.setdefault(int(stays.group[k]), []).append((int(stays.first[k]), int(stays.last[k])))
    stuck: list[Stay] = []
    for chain in chains.values():
        stuck += admit(board, chain[0]) if len(chain) == 1 else admit_chain(board, chain)
    return stuck


def _drop_nearby(board: Board, stay: Stay) -> None:
    """Drops the cheapest kept link that meets the stay's steps, if this round left one."""
    step = board.uses.step
    start, stop = step[stay[0]], step[stay[1]] + 1
    near = np.flatnonzero(board.kept & (step < stop) & (np.roll(step, -1) >= start))
    if len(near):
        shared = np.minimum(step[near + 1], stop) - np.maximum(step[near] + 1, start)
        board.toggle(int(near[np.argmin(board.price[near] / (1 + np.maximum(shared, 0)))]))
