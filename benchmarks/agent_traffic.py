"""Non-compulsory bytes of model families that the agent never saw, for benchmarks.agent.

The agent was trained for latency in the program's own order: here its network guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.agent_cells import Book, Cell, Figure
from benchmarks.agent_players import Agent, head, line, solved
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.mapping_arena import Order, Rules
from cosmalloc.solve import solve


def bound(problem: Problem, agent: Agent, seed: int) -> float:
    """What `ilp` proves that no plan has less than."""
    found = solve(problem, objective="traffic", solver="ilp", seconds=agent.seconds, seed=seed)
    return float(found.bound or 0.0)


def _by(solver: str) -> Figure:
    return lambda p, agent, seed: solved(p, solver, agent.seconds, seed, "traffic")


def _in_order(order: Order) -> Figure:
    return lambda p, agent, seed: agent.plays(p, Compiling(), seed, Rules("traffic", order))


COLUMNS: dict[str, Figure] = {
    "bound": bound,
    "ilp": _by("ilp"),
    "greedy": _by("greedy"),
    "raw": _in_order("given"),
    "raw, order free": _in_order("free"),
    "prod": _by("rl"),
}


def compare(
    programs: Sequence[Problem],
    shares: Sequence[float],
    agent: Agent,
    seed: int,
    file: Path | None,
) -> list[Cell]:
    """Prints a row for each program and share."""
    book = Book(file)
    cells = []
    head(("program", "uses", "share", *(f"{name}, MB" for name in COLUMNS)))
    for problem in programs:
        for share in shares:
            case = at_share(problem, share)
            name = f"{problem.name}, traffic"
            row = [
                book.value(name, case, share, COLUMNS, column, agent, seed) for column in COLUMNS
            ]
            values = [f"{cell.value / 1e6:,.3f}" for cell in row]
            line((problem.name, f"{row[0].uses:,}", f"{share:.0%}", *values))
            cells += row
    return cells
