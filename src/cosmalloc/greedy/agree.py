"""Under `anywhere`: what is updated in place and its result lie in one memory (law 6).

The links are chosen one by one, without regard to it. Here every update whose ends lie apart is
mended the way that costs least in the unit of the prices:

    off    the end that is on chip leaves it in that step
    join   the other end comes on chip for that one step, in the bytes of this one

and, where that sets another update of a chain apart, by leaving alone, which comes to an end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.board import ABSENT, Board
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.offsets import set_up
from cosmalloc.greedy.stays import stays_of
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair
from cosmalloc.in_place import updates


@dataclass(frozen=True)
class Ends:
    """Rows of an update: result's first use, and the last uses of operands; ABSENT if untracked."""

    result: int
    operands: tuple[int, ...]


@dataclass(frozen=True)
class State:
    """kept, lone: bool[U] as in `Choice`. at: int64[U], offset of a use on chip, else ABSENT."""

    kept: Bools
    lone: Bools
    at: Ints

    def without(self, row: int, last: Bools) -> State:
        """The use off-chip, and what only the link to it held on chip."""
        kept, lone = self.kept.copy(), self.lone.copy()
        kept[row] = lone[row] = False
        if row > 0 and not last[row - 1]:
            kept[row - 1] = False
        return State(kept, lone, np.where(Choice.of(kept, lone).on, self.at, ABSENT))

    def alone(self, row: int, offset: int, last: Bools) -> State:
        """The use on chip for its step, at this offset."""
        state = self.without(row, last)
        state.lone[row] = True
        state.at[row] = offset
        return state


def agreed(board: Board, pairs: tuple[Pair, ...]) -> Board:
    """The board with both ends of every update in one memory."""
    uses = board.uses
    ends = ends_of(uses)
    state = state_of(board)
    if all(agree(end, state) for end in ends):
        return board
    for end in ends:
        if not agree(end, state):
            state = min(mended(uses, state, end, pairs), key=lambda s: _total(board, s))
    while apart := [end for end in ends if not agree(end, state)]:
        for end in apart:
            state = off(state, end, uses.last)
    board.prices.lone[:] = state.lone
    stays = stays_of(uses, Choice.of(state.kept, state.lone), pairs)
    return set_up(uses, state.kept, board.prices, stays, state.at[stays.first])


def ends_of(uses: Uses) -> list[Ends]:
    """The rows of every update."""
    tracked = [tensor.tracked for tensor in uses.problem.tensors]
    return [
        Ends(
            int(uses.begin[update.result]),
            tuple(int(uses.begin[t + 1]) - 1 if tracked[t] else ABSENT for t in update.operands),
        )
        for update in updates(uses.problem, uses.life.order)
    ]


def state_of(board: Board) -> State:
    """Where every use is."""
    at = np.full(len(board.uses.step), ABSENT, np.int64)
    for first in np.flatnonzero(board.last != ABSENT).tolist():
        at[first : board.last[first] + 1] = board.offset[first]
    return State(board.kept.copy(), board.prices.lone.copy(), at)


def agree(end: Ends, state: State) -> bool:
    """Whether some operand is where the result is."""
    at = state.at
    return any((ABSENT if row == ABSENT else at[row]) == at[end.result] for row in end.operands)


def off(state: State, end: Ends, last: Bools) -> State:
    """The result off-chip, and an operand too if all are on chip."""
    state = state.without(end.result, last)
    return state if agree(end, state) else state.without(end.operands[0], last)


def mended(uses: Uses, state: State, end: Ends, pairs: tuple[Pair, ...]) -> list[State]:
    """The ways to bring the ends together."""
    ways = [off(state, end, uses.last)]
    size = uses.bytes[uses.tensor]
    mates = {
        int(uses.begin[p.operand + 1]) - 1 for p in pairs if p.result == uses.tensor[end.result]
    }
    for row in mates.intersection(end.operands):
        for here, there in ((end.result, row), (row, end.result)):
            if state.at[here] != ABSENT and size[there] <= size[here]:
                ways.append(state.alone(there, int(state.at[here]), uses.last))
    return ways


def _total(board: Board, state: State) -> float:
    board.prices.lone[:] = state.lone
    return board.prices.total(state.kept)
