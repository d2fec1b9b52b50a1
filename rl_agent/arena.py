"""What the agent needs of a game: to look, to play, and to try moves aside.

The one interface between the agent and any game; `mapping_arena.py` puts mallocGame behind it, the
tests put smaller games.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]


class Look(NamedTuple):
    """What some games look like.

    board: float[B, H, W, C]; features: float[B, F]; node: int32[B], the operator whose turn it is;
    legal: bool[B, A]; done: bool[B].
    """

    board: Floats
    features: Floats
    node: Ints
    legal: Bools
    done: Bools


class Arena(Protocol):
    """B games side by side, and room for `spare` positions aside for each.

    Rewards count in moves' worth: the all-off-chip objective over the game's moves.
    """

    programs: NDArray[np.int32]  # [B], which program each game plays

    def reset(self) -> None:
        """Every game starts anew."""

    def look(self) -> Look:
        """All B games."""

    def play(self, moves: Ints) -> tuple[Floats, Bools]:
        """Rewards float[B] and done bool[B]; where a game is over its move is not looked at."""

    def imagine(self, game: Ints, node: Ints, move: Ints, goal: int) -> tuple[Floats, Look]:
        """Position `goal` (1 to spare) of these games becomes what lies behind `move` in position
        `node` (0: the game itself). Rewards float[n], and what it looks like there."""
