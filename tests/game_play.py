"""Words to play mallocGame in tests."""

from __future__ import annotations

import random

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.objective import objective_value
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arrays import Goal, Ordering
from cosmalloc.rl_agent.game import Games
from cosmalloc.verify import verify

Mode = tuple[Goal, Ordering]
MODES: list[Mode] = [
    ("latency", "given"),
    ("latency", "free"),
    ("traffic", "given"),
    ("traffic", "free"),
]
CLOSE = 1e-9


def games(
    problem: Problem, slots: int = 1, objective: Goal = "latency", order: Ordering = "given"
) -> Games | None:
    """None where an operator never fits."""
    try:
        return Games([problem] * slots, objective=objective, order=order, board=(8, 8), lookahead=4)
    except InputError:
        return None


def legal_moves(game: Games, slot: int = 0) -> list[int]:
    """Of one slot."""
    return [int(move) for move in np.flatnonzero(game.legal([slot])[0])]


def play_out(game: Games, dice: random.Random, slot: int = 0) -> tuple[list[int], float]:
    """Random moves to the end; they and the sum of rewards."""
    moves, total = [], 0.0
    while not game.done([slot])[0]:
        moves.append(dice.choice(legal_moves(game, slot)))
        total += float(game.step(moves[-1:], [slot])[0][0])
    return moves, total


def check(game: Games, slot: int = 0) -> None:
    """The judge has no word against the plan, and clock and accounts say what the game says."""
    problem, plan = game.problems[slot], game.plan(slot)
    assert verify(problem, plan) == []
    if game.done([slot])[0]:
        value = objective_value(problem, plan, game.objective)
        assert abs(value - game.value(slot)) <= CLOSE * max(value, CLOSE)
