"""How the agent spends a user's seconds on one program, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cosmalloc.plan import Plan
from cosmalloc.rl_agent.improve import Improving
from cosmalloc.rl_agent.learner import Learning


@dataclass(frozen=True)
class Compiling:
    """slots: games side by side, fewer of long programs. policy: whether the network plays and is
    the prior; without it games are even dice. search: share of the time for games of search, 0 for
    none; simulations: at each of their moves. improve: whether good games are changed. polish:
    share of each turn for annealing, 0 for none; starts: the best games that it begins with, beside
    drawn ones. tune: steps of learning at a time, 0 for none; patience: with fewer seconds in all
    it isn't worth its compilation, and there is one turn. turns: how often 3, 4 and 5 take turns.
    """

    slots: int = 32
    policy: bool = True
    search: float = 0.1
    simulations: int = 8
    improve: bool = True
    polish: float = 0.8
    starts: int = 4
    tune: int = 60
    patience: float = 30.0
    turns: int = 4
    improving: Improving = field(default_factory=lambda: Improving(even=0.5))
    learning: Learning = field(default_factory=lambda: Learning(rate=5e-4, warmup=5))


class Found(NamedTuple):
    """plan: of the best game; value: its objective, as the game has it. games: how many were
    played. curve: (seconds, value) of every improvement."""

    plan: Plan
    value: float
    games: int
    curve: tuple[tuple[float, float], ...]

    def joined(self, later: Found) -> Found:
        """The better of both, the first if they are alike; `later` began where this one ended."""
        best = min(self, later, key=lambda each: each.value)
        ended = self.curve[-1][0] if self.curve else 0.0
        curve = [(ended + seconds, value) for seconds, value in later.curve if value < self.value]
        return Found(best.plan, best.value, self.games + later.games, (*self.curve, *curve))
