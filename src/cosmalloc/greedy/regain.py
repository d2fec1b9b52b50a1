"""Dropped links that come back, where moving others aside or dropping cheaper ones makes room."""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.board import ABSENT, Board
from cosmalloc.greedy.budget import Budget
from cosmalloc.greedy.repair import settle


def rejoin(board: Board, link: int) -> bool:
    """Keeps a dropped link if that loses less than it saves; whether it did."""
    first, last = board.head(link), board.tail(link + 1)
    halves = [row for row in (first, link + 1) if board.last[row] != ABSENT]
    pins = {int(board.offset[row]) for row in halves if _pinned(board, row)}
    if len(pins) > 1:
        return False
    worth = float(board.price[link])
    lifted = [board.lift(row) for row in halves]
    board.toggle(link)
    if settle(board, (first, last), worth, pins.pop() if pins else ABSENT) is not None:
        return True
    board.toggle(link)
    for stay in lifted:
        board.stand(*stay)
    return False


def _pinned(board: Board, row: int) -> bool:
    return bool(board.pinned[row] or board.pinned[board.last[row]])


def improve(board: Board, budget: Budget) -> None:
    """Keeps dropped links while any of them pays, the most saved per byte-step first.

    A link is tried again only after something moved in its steps.
    """
    step = board.uses.step
    moved = np.zeros(board.uses.steps, np.int64)  # the attempt that last moved something there
    tried = np.full(len(step), -1, np.int64)
    attempt = 0
    while True:
        before = attempt
        for link in _by_worth(board):
            start, stop = step[board.head(link)], step[board.tail(link + 1)] + 1
            if moved[start:stop].max() <= tried[link]:
                continue
            if budget.left() == 0:
                break
            attempt += 1
            tried[link] = attempt
            board.trail.clear()
            if rejoin(board, link):
                for low, high in board.trail:
                    moved[low:high] = attempt
        if attempt == before or budget.left() == 0:
            break
    _drop_losses(board)


def _by_worth(board: Board) -> list[int]:
    """Dropped links that save something."""
    uses = board.uses
    dropped = np.flatnonzero(~board.kept & ~uses.last & (board.price > 0))
    area = board.bytes[dropped] * (1 + uses.step[dropped + 1] - uses.step[dropped])
    ranked: list[int] = dropped[np.argsort(-board.price[dropped] / area, kind="stable")].tolist()
    return ranked


def _drop_losses(board: Board) -> None:
    """Drops the kept links that cost more than they save."""
    for link in np.flatnonzero(board.kept & (board.price < 0)).tolist():
        if board.price[link] < 0 and not board.holds_pin(link):
            board.cut(link)
