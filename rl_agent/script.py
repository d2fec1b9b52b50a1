"""Games by heart: lines played again, and what is changed of the order in which operators run.

With the order free, a line says which operators ran in which order, and not which pick it was: the
ready operator that is first there runs next. So a change of one pick leaves the others what they
were.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosmalloc.rl_agent.arena import Bools, Floats, Ints
from cosmalloc.rl_agent.game import PICK

LAST = np.iinfo(np.int64).max  # rank of what is not there


class Thread(NamedTuple):
    """Names of a tensor's uses in the sequence of the game; made: the first one makes it."""

    uses: Ints
    made: bool


class Links(NamedTuple):
    """Per operator, which others wait for it, and for which it waits."""

    after: Sequence[Sequence[int]]
    before: Sequence[Sequence[int]]


class Replayed(Protocol):
    """Games of one program whose turns have names: a use comes once in every game."""

    @property
    def uses(self) -> int:
        """How many there are."""

    @property
    def threads(self) -> Sequence[Thread]:
        """The uses of one tensor each."""

    @property
    def links(self) -> Links | None:
        """Of its operators, None where their order is given."""

    def reset(self) -> None:
        """Every game starts anew."""

    def legal(self) -> Bools:
        """bool[B, A]."""

    def use(self) -> Ints:
        """int[B], whose turn it is; 0 where a game is over."""

    def ready(self) -> Ints:
        """int[B, K], the operators to pick from, -1 for none."""

    def orders(self) -> Ints:
        """int[B, N], of games that are over."""

    def play(self, moves: Ints) -> tuple[Floats, Bools]:
        """As an arena's."""


class Line(NamedTuple):
    """A game by its uses. moves: int8[U], -1 where a use never came up; score: sum of rewards.
    order: int64[N], operators as they ran; None where it is given, or moves say it."""

    moves: NDArray[np.int8]
    score: float
    order: NDArray[np.int64] | None = None

    @property
    def key(self) -> bytes:
        """The same for the same game."""
        return self.moves.tobytes() + (b"" if self.order is None else self.order.tobytes())


class Script:
    """What each game of an arena is to do, turn by turn."""

    def __init__(
        self, arena: Replayed, moves: NDArray[np.int8], orders: Sequence[Ints | None]
    ) -> None:
        """moves: int8[B, U]. orders: one each."""
        self._arena, self._moves = arena, moves
        self._rows = np.arange(len(moves))
        self._ordered = np.array([order is not None for order in orders])
        self._ranks = _ranks(orders) if self._ordered.any() else None

    def moves(self, legal: Bools) -> NDArray[np.int64]:
        """int64[B], the move of each game; -1 where there is none, or it is not legal."""
        wanted = self._moves[self._rows, self._arena.use()].astype(np.int64)
        fits = (wanted >= 0) & legal[self._rows, np.maximum(wanted, 0)]
        wanted = np.where(fits, wanted, -1)
        if self._ranks is None:
            return wanted
        ready = self._arena.ready()
        ranks = np.where(ready >= 0, self._ranks[self._rows[:, None], np.maximum(ready, 0)], LAST)
        picking = self._ordered & (ready[:, 0] >= 0)
        return np.where(picking, PICK + ranks.argmin(1), wanted)


def _ranks(orders: Sequence[Ints | None]) -> NDArray[np.int64]:
    """int64[B, N], the place of each operator in its game."""
    ranks = np.zeros((len(orders), max(0 if each is None else len(each) for each in orders)), int)
    for row, order in zip(ranks, orders, strict=True):
        if order is not None:
            row[order] = np.arange(len(order))
    return ranks


def reordered(
    order: NDArray[np.int64], links: Links, rng: np.random.Generator
) -> NDArray[np.int64]:
    """One operator earlier or later in a legal order, with what it waits for, or what waits for it;
    short ways more often than long ones."""
    count = len(order)
    if count < 2:
        return order
    at = int(rng.integers(count))
    way = int(np.exp(rng.uniform(0.0, np.log(count))))
    if rng.random() < 0.5:
        start = max(0, at - way)
        return np.concatenate(
            [order[:start], _first(order[start : at + 1], links.before), order[at + 1 :]]
        )
    stop = min(count, at + way + 1)
    last = _first(order[at:stop][::-1], links.after)[::-1]
    return np.concatenate([order[:at], last, order[stop:]])


def _first(part: NDArray[np.int64], needs: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The last operator of a part of the order, and what it needs of it, first."""
    wanted = {int(part[-1])}
    for operator in part[::-1].tolist():
        if operator in wanted:
            wanted.update(needs[operator])
    inside = np.array([operator in wanted for operator in part.tolist()])
    return np.concatenate([part[inside], part[~inside]])
