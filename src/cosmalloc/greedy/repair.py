"""Room on the board: a stay without a place gets one.

Stays in its way move elsewhere if they find a place, or lose the link that crosses its box. What
the box is worth bounds what may be lost for it, in the unit of the prices.
"""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.board import ABSENT, Board, Neighbours, cost_at

MOVING = 1e-3  # price of moving a stay, per byte of it: a box that disturbs little is tried first
TRIES = 3  # offsets tried with moves before links are dropped

Stay = tuple[int, int]  # first and last row


def settle(board: Board, stay: Stay, worth: float, pin: int = ABSENT) -> float | None:
    """Gives the stay a place (at offset `pin`, if any) and loses less than `worth` for it.

    Returns what was lost; None, and nothing changed, where it can't be done.
    """
    start, stop = board.box(*stay)
    size = int(board.bytes[stay[0]])
    if pin + size > board.capacity:
        return None
    if start >= stop and pin != ABSENT:
        board.stand(*stay, pin)
        return 0.0
    if pin == ABSENT:
        free = board.find(*stay)
    else:
        free = pin if board.space.is_free(start, stop, pin, size) else ABSENT
    if free != ABSENT:
        board.stand(*stay, free)
        return 0.0
    around = board.neighbours(start, stop)
    offsets = board.offsets_for(around, size) if pin == ABSENT else np.array([pin])
    if not len(offsets):
        return None
    cuts = cost_at(offsets, around, size, around.cost)
    limit = min(worth, float(cuts.min()))
    moving = np.where(around.frozen, np.inf, MOVING * around.bytes)
    moves = cost_at(offsets, around, size, np.minimum(around.cost, moving))
    for k in np.argsort(moves, kind="stable")[:TRIES].tolist():
        loss = _move(board, around, stay, int(offsets[k]), limit) if moves[k] < limit else None
        if loss is not None:
            return loss
    return _cut(board, around, stay, int(offsets[np.argmin(cuts)])) if limit < worth else None


def _cut(board: Board, around: Neighbours, stay: Stay, offset: int) -> float:
    """Drops the link of every stay in the way."""
    inway = around.meeting(offset, int(board.bytes[stay[0]]))
    for k in inway.tolist():
        board.cut(int(around.link[k]))
    board.stand(*stay, offset)
    return float(around.cost[inway].sum())


def _move(board: Board, around: Neighbours, stay: Stay, offset: int, limit: float) -> float | None:
    """Moves what is in the way, largest first, and drops the links of what finds no place."""
    inway = around.meeting(offset, int(board.bytes[stay[0]]))
    inway = inway[np.argsort(-around.bytes[inway], kind="stable")]
    lifted = [board.lift(row) for row in around.first[inway].tolist()]
    board.stand(*stay, offset)
    stood, dropped, loss = [stay[0]], list[int](), 0.0
    for k, (first, last, old) in zip(inway.tolist(), lifted, strict=True):
        place = ABSENT if around.frozen[k] else board.find(first, last)
        link = int(around.link[k])
        if place != ABSENT:
            pieces = [(first, last)]
        else:
            place, loss = old, loss + float(around.cost[k])
            pieces = board.pieces(first, last, link) if loss < limit else []
            if loss >= limit or not all(_free(board, piece, old) for piece in pieces):
                _undo(board, stood, dropped, lifted)
                return None
            board.toggle(link)
            dropped.append(link)
        for piece in pieces:
            board.stand(*piece, place)
            stood.append(piece[0])
    return loss


def _free(board: Board, stay: Stay, offset: int) -> bool:
    start, stop = board.box(*stay)
    size = int(board.bytes[stay[0]])
    return start >= stop or board.space.is_free(start, stop, offset, size)


def _undo(
    board: Board, stood: list[int], dropped: list[int], lifted: list[tuple[int, int, int]]
) -> None:
    for first in stood:
        board.lift(first)
    for link in dropped:
        board.toggle(link)
    for stay in lifted:
        board.stand(*stay)


def admit(board: Board, stay: Stay) -> list[Stay]:
    """Gives the stay a place at the least loss, its own links included.

    A lone use without a place leaves the chip where the operand rule lets it, else it is returned.
    """
    waiting, stuck = [stay], list[Stay]()
    may_leave = board.prices.may_leave
    while waiting:
        first, last = waiting.pop()
        own = board.price[first:last]
        worth = float(own.min()) if len(own) else 0.0 if may_leave else np.inf
        if settle(board, (first, last), worth) is not None:
            continue
        if len(own):
            gap = board.uses.step[first + 1 : last + 1] - board.uses.step[first:last]
            link = first + int(np.argmin(own / gap))
            board.toggle(link)
            waiting += board.pieces(first, last, link)
        elif may_leave:
            board.leave(first)
        else:
            stuck.append((first, last))
    return stuck


def admit_chain(board: Board, chain: list[Stay]) -> list[Stay]:
    """Gives in-place partners one offset; where that fails, each one of its own."""

    def steps(stay: Stay) -> int:
        start, stop = board.box(*stay)
        return stop - start

    pin = ABSENT
    for stay in sorted(chain, key=steps, reverse=True):
        if settle(board, stay, 0.0 if board.prices.may_leave else np.inf, pin) is None:
            break
        pin = int(board.offset[stay[0]])
    else:
        return []
    for first, last in chain:
        if board.last[first] != ABSENT:
            board.lift(first)
        board.unpin(first, last)
    return [left for stay in chain for left in admit(board, stay)]
