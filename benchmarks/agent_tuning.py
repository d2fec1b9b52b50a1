"""The agent learning one program for long, for benchmarks.agent.

What more seconds bring, what of it is learning, and what the network has learned: its likeliest
game of this program, before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.agent_cells import Book, Cell, Figure, Row, against, micro
from benchmarks.agent_players import Agent, head, liked, line, measured
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.mapping_arena import Rules

SHORT = 60.0  # seconds to compare with
BEFORE, AFTER = "likeliest", "likeliest, learned"
BRIEF, LONG, UNTAUGHT = "agent, short", "agent, long", "no learning, long"


class Tuning:
    """Figures of one program at a time; the long run is one, for two figures."""

    def __init__(self) -> None:
        self._after: dict[tuple[str, int, int], float] = {}

    def columns(self) -> dict[str, Figure]:
        return {
            BEFORE: lambda p, agent, _seed: liked(p, agent.network),
            BRIEF: lambda p, agent, seed: replace(agent, seconds=SHORT).plays(p, Compiling(), seed),
            LONG: self._long,
            AFTER: self._learned,
            UNTAUGHT: lambda p, agent, seed: agent.plays(p, Compiling(tune=0), seed),
        }

    def _long(self, problem: Problem, agent: Agent, seed: int) -> float:
        compiler = Compiler(problem, Rules(), agent.network, Compiling(), seed)
        found = compiler.run(agent.seconds)
        self._after[_name(problem, seed)] = liked(problem, compiler.brain.network)
        return measured(problem, found.plan)

    def _learned(self, problem: Problem, agent: Agent, seed: int) -> float:
        if _name(problem, seed) not in self._after:
            self._long(problem, agent, seed)
        return self._after[_name(problem, seed)]


def _name(problem: Problem, seed: int) -> tuple[str, int, int]:
    return problem.name, problem.target.scratchpad_bytes, seed


def compare(
    programs: Sequence[Problem],
    shares: Sequence[float],
    agent: Agent,
    seed: int,
    file: Path | None,
) -> list[Cell]:
    """Microseconds, a row for each program and share, then means."""
    book, columns = Book(file), Tuning().columns()
    cells: list[Cell] = []
    rows: list[Row] = []
    head(("program", "uses", "share", *columns))
    for share in shares:
        for problem in programs:
            case = at_share(problem, share)
            made = [
                book.value(problem.name, case, share, columns, column, agent, seed)
                for column in columns
            ]
            values = [micro(cell.value) for cell in made]
            line((problem.name, f"{made[0].uses:,}", f"{share:.0%}", *values))
            cells += made
            rows.append({cell.column: cell.value for cell in made})
    print()
    for one, other in ((AFTER, BEFORE), (LONG, BRIEF), (LONG, UNTAUGHT)):
        print(f"{one}: {against(rows, one, other)}")
    return cells
