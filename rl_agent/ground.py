"""Where games are played: programs, without teachers and examinations. Actors get it whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arena import Arena, Ints
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, one_graph, stacked, uses_of
from cosmalloc.rl_agent.network import Graphs


class Ground(Protocol):
    """Programs to play; it can be sent to other processes."""

    def graphs(self, programs: Ints) -> Graphs:
        """The graphs of these programs, in this order, always of one shape."""

    def arena(self, rng: np.random.Generator, spare: int) -> Arena:
        """Games to play next."""


class MappingGround:
    """Programs of mallocGame."""

    def __init__(
        self,
        programs: Sequence[Problem],
        rules: Rules,
        *,
        slots: int,
        together: int,
        nodes: int,
        edges: int,
    ) -> None:
        """slots: games side by side. together: programs of them, each in slots / together games.
        nodes, edges: padded sizes of every graph."""
        self.programs = list(programs)
        self.rules = rules
        self._slots, self._together = slots, together
        self._nodes, self._edges = nodes, edges
        self._graphs: dict[int, Graphs] = {}
        self._lengths = np.array([uses_of(problem) for problem in programs])

    def graphs(self, programs: Ints) -> Graphs:
        return stacked([self._graph(int(each)) for each in programs])

    def arena(self, rng: np.random.Generator, spare: int) -> MappingArena:
        """With the order free, every other time it is given, as a solve begins."""
        chosen = self.drawn(rng)
        rules = self.rules
        if rules.order == "free" and rng.random() < 0.5:
            rules = replace(rules, order="given")
        arena = MappingArena([self.programs[each] for each in chosen], rules, spare)
        arena.programs = chosen.astype(np.int32)
        return arena

    def drawn(self, rng: np.random.Generator) -> Ints:
        """Programs of about one length, so that their games end together; int[slots], sorted."""
        by_length = np.argsort(self._lengths, kind="stable")
        count = min(self._together, len(by_length))
        first = int(rng.integers(0, len(by_length) - count + 1))
        near = by_length[max(0, first - count) : first + 2 * count]
        chosen = rng.choice(near, count, replace=False)
        return np.sort(np.resize(chosen, self._slots))

    def _graph(self, program: int) -> Graphs:
        if program not in self._graphs:
            self._graphs[program] = one_graph(self.programs[program], self._nodes, self._edges)
        return self._graphs[program]
