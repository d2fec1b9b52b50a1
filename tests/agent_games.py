"""Games for the agent whose best play is known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosmalloc.rl_agent.arena import Arena, Bools, Floats, Ints, Look
from cosmalloc.rl_agent.network import Graphs, Sizes


class Signs:
    """A row of signs, each -1, 0 or 1; a move names one of three, the right one earns 1.

    The first move of a pair decides what the second is worth: after a wrong one it earns nothing.
    Move 2 is forbidden where the sign is 0. Programs differ in their signs.
    """

    def __init__(self, programs: list[int], length: int = 6, spare: int = 0) -> None:
        self.programs = np.array(programs, np.int32)
        self.length = length
        dice = [np.random.default_rng(each) for each in programs]
        self.signs = np.array([each.integers(-1, 2, length) for each in dice])
        self.at = np.zeros((len(programs), spare + 1), np.int64)
        self.spoiled = np.zeros((len(programs), spare + 1), bool)

    @property
    def right(self) -> NDArray[np.int64]:
        """The moves that earn most, int[B, length]."""
        return np.asarray(np.where(self.signs < 0, 2, self.signs))

    def reset(self) -> None:
        self.at[:, 0] = 0
        self.spoiled[:, 0] = False

    def look(self) -> Look:
        return self._seen(np.arange(len(self.programs)), np.zeros(len(self.programs), np.int64))

    def play(self, moves: Ints) -> tuple[Floats, Bools]:
        everyone = np.arange(len(self.programs))
        rewards = self._move(everyone, np.zeros_like(everyone), moves)
        return rewards, self.at[:, 0] >= self.length

    def imagine(self, game: Ints, node: Ints, move: Ints, goal: int) -> tuple[Floats, Look]:
        self.at[game, goal] = self.at[game, node]
        self.spoiled[game, goal] = self.spoiled[game, node]
        there = np.full_like(game, goal)
        rewards = self._move(game, there, move)
        return rewards, self._seen(game, there)

    def _move(self, game: Ints, node: Ints, move: Ints) -> Floats:
        at = self.at[game, node]
        going = at < self.length
        right = self.right[game, np.minimum(at, self.length - 1)] == move
        first = at % 2 == 0
        earned = going & right & (first | ~self.spoiled[game, node])
        self.spoiled[game, node] = np.where(first, ~right, self.spoiled[game, node])
        self.at[game, node] = at + going
        return earned.astype(np.float32)

    def _seen(self, game: Ints, node: Ints) -> Look:
        at = self.at[game, node]
        done = at >= self.length
        sign = self.signs[game, np.minimum(at, self.length - 1)]
        features = np.stack([sign == -1, sign == 0, sign == 1, self.spoiled[game, node], at % 2], 1)
        board = np.broadcast_to(sign[:, None, None, None], (len(game), 4, 4, 1))
        legal = np.ones((len(game), 3), bool)
        legal[:, 2] = sign != 0
        legal[done] = False
        return Look(
            board.astype(np.float32),
            features.astype(np.float32),
            np.minimum(at, self.length - 1).astype(np.int32),
            legal,
            done,
        )


SIZES = Sizes(3, (4, 4, 1), 5, 2, 3, 2, embedding=8, rounds=1, hidden=32, blocks=1)


def graphs(count: int, nodes: int = 8) -> Graphs:
    """`count` chains."""
    row = np.stack([np.arange(nodes - 1), np.arange(1, nodes)], 1)
    edges = np.concatenate([row, np.full((1, 2), nodes)]).astype(np.int32)
    return Graphs(
        np.ones((count, nodes, 2), np.float32),
        np.ones((count, nodes), bool),
        np.stack([edges] * count),
        np.ones((count, nodes, 3), np.float32),
        np.ones((count, 2), np.float32),
    )


class SignGround:
    """Games of signs; killed when it is asked for graphs a given time, if any."""

    def __init__(self, killed_at: float = math.inf) -> None:
        self._killed_at = killed_at
        self._asked = 0

    def graphs(self, programs: Ints) -> Graphs:
        self._asked += 1
        if self._asked > self._killed_at:
            raise KeyboardInterrupt
        return graphs(len(programs))

    def arena(self, rng: np.random.Generator, spare: int) -> Arena:
        return Signs(rng.integers(0, 1000, 16).tolist(), spare=spare)
