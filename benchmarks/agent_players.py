"""Who plays in benchmarks.agent, and how that is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, Playing, play, player
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.mapping_arena import GameObjective, MappingArena, Rules, graphs_of
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.solver import raw
from cosmalloc.solve import solve
from cosmalloc.verify import verify

LATENCY = Rules()
EVEN = Compiling(policy=False, search=0.0, polish=0.0, tune=0, turns=1)
WAYS: dict[str, Compiling] = {  # name -> what of the agent is at work
    "random": replace(EVEN, improve=False),
    "evolution": EVEN,
    "evolution, annealed": replace(EVEN, polish=Compiling().polish),
    "policy": Compiling(search=0.0, improve=False, polish=0.0, tune=0, turns=1),
    "policy, search": Compiling(search=1.0, improve=False, polish=0.0, tune=0, turns=1),
    "no annealing": Compiling(polish=0.0),
    "no small changes": Compiling(improve=False),
    "no search": Compiling(search=0.0),
    "no learning": Compiling(tune=0),
    "agent": Compiling(),
}
CLOSE = 1e-6  # relative: found


def measured(problem: Problem, plan: Plan | None, objective: GameObjective = "latency") -> float:
    """Seconds or bytes of a plan that the judge has nothing against."""
    if plan is None:
        raise AssertionError(f"{problem.name}: no plan")
    faults = verify(problem, plan)
    if faults:
        raise AssertionError(f"{problem.name}: {faults[0]}")
    return objective_value(problem, plan, objective)


def solved(
    problem: Problem, solver: str, seconds: float, seed: int, objective: GameObjective = "latency"
) -> float:
    """Of a solver by its name."""
    found = solve(problem, objective=objective, solver=solver, seconds=seconds, seed=seed)
    return measured(problem, found.plan, objective)


PLAIN = ("random", "evolution", "policy", "policy, search", "no annealing")  # only whole games


@dataclass(frozen=True)
class Agent:
    """network, and the seconds it has."""

    network: Network
    seconds: float

    def plays(self, problem: Problem, way: Compiling, seed: int, rules: Rules = LATENCY) -> float:
        """With these means alone."""
        found = raw(
            problem,
            rules.objective,
            self.seconds,
            seed,
            order=rules.order,
            how=way,
            network=self.network,
        )
        return measured(problem, found.plan, rules.objective)

    def plays_games(self, problem: Problem, way: Compiling, seed: int) -> float:
        """As many games as there are seconds; one of search counts as one."""
        begun: list[Compiler] = []

        def games() -> float:
            return float(begun[0].arena.begun) if begun else 0.0

        compiler = Compiler(problem, LATENCY, self.network, way, seed, clock=games)
        begun.append(compiler)
        return measured(problem, compiler.run(self.seconds).plan)


def liked(problem: Problem, network: Network) -> float:
    """The network's likeliest game."""
    arena = MappingArena([problem], Rules())
    brain = Brain(network, graphs_of([problem]))
    how = Playing("policy", temperature=0.0)
    play(arena, player(arena, brain, how, np.random.default_rng(0)))
    return measured(problem, arena.plan(0))


def line(cells: Sequence[str]) -> None:
    """A row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def head(cells: Sequence[str]) -> None:
    """Its first one."""
    line(cells)
    print(f"|{'---|' * len(cells)}", flush=True)
