"""Where an agent learns: programs to play, teachers to imitate, programs to be examined on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.objective import objective_value
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, Playing, play, player
from cosmalloc.rl_agent.arena import Floats
from cosmalloc.rl_agent.ground import MappingGround
from cosmalloc.rl_agent.lessons import Lessons, Teaching, lesson, taught
from cosmalloc.rl_agent.mapping_arena import (
    MappingArena,
    Rules,
    graphs_of,
    links_of,
)
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.observe import bucket
from cosmalloc.rl_agent.replay import Episode
from cosmalloc.rl_agent.script import Line
from cosmalloc.solve import solve

LIKELIEST = Playing("policy", temperature=0.0)  # the policy's own game


@dataclass(frozen=True)
class Classes:
    """slots: games side by side. programs: of them, each in slots / programs games. discount: of
    lessons' returns."""

    slots: int = 32
    programs: int = 8
    discount: float = 0.99
    teaching: Teaching = field(default_factory=Teaching)


class MappingSchool:
    """Programs of training and of examination."""

    def __init__(
        self,
        programs: Sequence[Problem],
        exams: Sequence[Problem],
        checks: Sequence[Problem],
        rules: Rules,
        folder: str | Path,
        how: Classes,
    ) -> None:
        """exams: programs that nobody plays in training, of other families; they choose nothing.
        checks: of the same families, nobody plays them either; they choose the best network.
        InputError if there are no programs."""
        if not programs:
            raise InputError("there is no program to train on", "give at least one")
        self._classes = {"exam": Examination(exams, rules), "check": Examination(checks, rules)}
        known = [*programs, *exams, *checks]
        self._nodes = max(bucket(len(problem.operators)) for problem in known)
        self._edges = max(bucket(links_of(problem)) for problem in known)
        self._rules, self._how = rules, how
        self.ground = MappingGround(
            programs,
            rules,
            slots=how.slots,
            together=how.programs,
            nodes=self._nodes,
            edges=self._edges,
        )
        self._lessons = Lessons(folder, self._teach)

    def lessons(self, rng: np.random.Generator) -> list[Episode]:
        chosen = self.ground.drawn(rng)[:: self._how.slots // self._how.programs]
        chosen = np.unique(chosen)
        lines = [self._lessons.line(int(each)) for each in chosen]
        self._lessons.save()
        arena = MappingArena([self.ground.programs[each] for each in chosen], self._rules)
        episodes = taught(arena, lines, self._how.discount)
        return [each._replace(program=int(chosen[each.program])) for each in episodes]

    def examine(self, network: Network) -> Mapping[str, float]:
        """exam, check: mean over the programs of `Examination.shares`, by the policy's likeliest
        game. And the worst of each."""
        shares = {
            name: each.shares(network, self._nodes, self._edges)
            for name, each in self._classes.items()
            if each.programs
        }
        means = {name: float(each.mean()) for name, each in shares.items()}
        return means | {f"{name}_worst": float(each.max()) for name, each in shares.items()}

    def _teach(self, program: int) -> Line:
        return lesson(self.ground.programs[program], self._rules, self._how.teaching, seed=program)


class Examination:
    """Programs to be measured on."""

    def __init__(self, programs: Sequence[Problem], rules: Rules) -> None:
        self.programs = list(programs)
        self._rules = rules

    def shares(
        self, network: Network, nodes: int = 0, edges: int = 0, how: Playing = LIKELIEST
    ) -> Floats:
        """Value / the better of `msa` and `greedy`, of a game of each; less is better. For traffic,
        where that may be 0 bytes: 1 + the difference / all off-chip. nodes, edges: see `graphs_of`.
        """
        arena = MappingArena(
            self.programs, self._rules, how.simulations if how.mode == "game" else 0
        )
        brain = Brain(network, graphs_of(self.programs, nodes, edges))
        bases = arena.values()
        play(arena, player(arena, brain, how, np.random.default_rng(0)))
        if self._rules.objective == "traffic":
            return np.asarray(1 + (arena.values() - self._rivals) / np.maximum(1.0, bases))
        return np.asarray(arena.values() / self._rivals)

    @cached_property
    def _rivals(self) -> Floats:
        best = []
        for problem in self.programs:
            found = [
                solve(problem, objective=self._rules.objective, solver=name, seconds=0.5)
                for name in ("msa", "greedy")
            ]
            values = [
                objective_value(problem, each.plan, self._rules.objective)
                for each in found
                if each.plan is not None
            ]
            best.append(min(values))
        return np.array(best)
