"""Games of teachers: the best plans that the other solvers know, played as moves.

A plan's moves come nearest to it by the game's own rules (`follow`); small changes, drawn evenly,
then make the game of them better, for the game's rules differ from the plan's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import play, with_returns
from cosmalloc.rl_agent.arena import Look
from cosmalloc.rl_agent.improve import Improving, improve
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules
from cosmalloc.rl_agent.network_file import read_arrays, write_arrays
from cosmalloc.rl_agent.replay import Episode
from cosmalloc.rl_agent.script import Line, Script
from cosmalloc.rl_agent.search import Searched
from cosmalloc.solve import solve

NEVER = -1e9
ORDER = "order"  # of operators, beside the moves


@dataclass(frozen=True, slots=True)
class Teaching:
    """seconds: of the solver that is the teacher, and again as many of small changes."""

    solver: str = "search"
    seconds: float = 1.0
    slots: int = 16


def lesson(problem: Problem, rules: Rules, how: Teaching, seed: int) -> Line:
    """A teacher's game."""
    arena = MappingArena([problem] * how.slots, rules)
    lines = []
    for solver in ("greedy", how.solver):
        found = solve(
            problem, objective=rules.objective, solver=solver, seconds=how.seconds, seed=seed
        )
        if found.plan is not None:
            lines.append(arena.followed(found.plan))
    even = np.zeros((arena.uses, len(arena.legal()[0])))
    even[:, 3:] = NEVER
    until = time.perf_counter() + how.seconds
    rng = np.random.default_rng(seed)
    best, _ = improve(
        arena, lines, even, Improving(even=1.0), rng, lambda: time.perf_counter() > until
    )
    return best[0]


def taught(arena: MappingArena, lines: Sequence[Line], discount: float) -> list[Episode]:
    """One line for each game of the arena, played and recorded."""
    plan = np.full((len(lines), arena.uses), -1, np.int8)
    for row, line in enumerate(lines):
        plan[row, : len(line.moves)] = line.moves
    script = Script(arena, plan, [line.order for line in lines])

    def follow_line(look: Look) -> Searched:
        moves = script.moves(look.legal)
        moves = np.where(moves >= 0, moves, look.legal.argmax(1))
        policy = np.eye(look.legal.shape[1], dtype=np.float32)[moves]
        return Searched(moves, policy, np.zeros(len(moves), np.float32))

    played = play(arena, follow_line, record=True)
    assert played is not None  # nobody stops it
    return [with_returns(each, discount) for each in played.episodes]


class Lessons:
    """Lines of many programs, in a file of the training's folder; a line is made when it is asked
    for first."""

    def __init__(self, folder: str | Path, make: Callable[[int], Line]) -> None:
        self._path = Path(folder) / "lessons.safetensors"
        self._make = make
        self.lines: dict[int, Line] = {}
        if self._path.exists():
            arrays, _ = read_arrays(self._path)
            for name, moves in arrays.items():
                program, score, *part = name.split(" ")
                if not part:
                    order = arrays.get(f"{name} {ORDER}")
                    self.lines[int(program)] = Line(moves, float(score), order)

    def line(self, program: int) -> Line:
        """The best known game of this program."""
        if program not in self.lines:
            self.lines[program] = self._make(program)
        return self.lines[program]

    def save(self) -> None:
        """All lines so far."""
        arrays: dict[str, NDArray[np.int8] | NDArray[np.int64]] = {}
        for program, line in self.lines.items():
            name = f"{program} {line.score!r}"
            arrays[name] = line.moves
            if line.order is not None:
                arrays[f"{name} {ORDER}"] = line.order
        write_arrays(self._path, arrays, {})
