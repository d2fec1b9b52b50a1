"""The agent beside those it has to beat, on one program."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, Playing, play, player
from cosmalloc.rl_agent.mapping_arena import GameObjective, MappingArena, Order, Rules, graphs_of
from cosmalloc.rl_agent.network_file import shipped
from cosmalloc.rl_agent.solver import known, raw
from cosmalloc.solve import solve
from cosmalloc.verify import verify


class Row(NamedTuple):
    """Values of the objective; None where a solver has no plan.

    policy: the network's likeliest game, without search. raw: all the agent's means, for the
    seconds. prod: the best of raw, msa and greedy. games: how many were played for `raw`.
    """

    program: str
    off_chip: float
    msa: float | None
    greedy: float | None
    policy: float
    raw: float
    prod: float
    games: int

    def cells(self) -> tuple[str, ...]:
        """For a table: microseconds, or bytes."""
        values = (self.off_chip, self.msa, self.greedy, self.policy, self.raw, self.prod)
        return (self.program, *(_words(each) for each in values), f"{self.games:,}")


def evaluated(
    problem: Problem,
    objective: GameObjective,
    order: Order,
    seconds: float,
    seed: int,
    weights: str | Path | None = None,
) -> Row:
    """One row. Raises InputError for a program that can't be played, or no such weights."""
    network = known(Path(weights) if weights else shipped())
    rules = Rules(objective, order)
    arena = MappingArena([problem], rules)
    off_chip = float(arena.values()[0])
    brain = Brain(network, graphs_of([problem]))
    how = Playing("policy", temperature=0.0)
    play(arena, player(arena, brain, how, np.random.default_rng(seed)))
    values: dict[str, float | None] = {}
    for name in ("msa", "greedy"):
        found = solve(problem, objective=objective, solver=name, seconds=seconds, seed=seed)
        values[name] = _legal(problem, found.plan, objective) if found.plan else None
    best = raw(problem, objective, seconds, seed, order=order, network=network)
    alone = _legal(problem, best.plan, objective)
    rivals = [each for each in values.values() if each is not None]
    return Row(
        problem.name,
        off_chip,
        values["msa"],
        values["greedy"],
        _legal(problem, arena.plan(0), objective),
        alone,
        min([alone, *rivals]),
        best.games,
    )


def _legal(problem: Problem, plan: Plan, objective: GameObjective) -> float:
    faults = verify(problem, plan)
    if faults:
        raise AssertionError(f"{problem.name}: {faults[0]}")
    return objective_value(problem, plan, objective)


def _words(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} B" if value >= 100 or value == 0 else f"{value * 1e6:,.1f} us"
