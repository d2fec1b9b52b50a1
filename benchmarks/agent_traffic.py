"""Non-compulsory bytes of model families that the agent never saw, for benchmarks.agent.

The agent was trained for latency in the program's own order: here its network guesses. `ilp` and
its bound are over all orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.agent_cells import Book, Cell, Figure, Row
from benchmarks.agent_players import Agent, head, line, solved
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.mapping_arena import Order, Rules
from cosmalloc.solve import solve

NEAR = 0.5  # bytes, counted alike


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
    """Prints a row for each program and share, then duels."""
    book = Book(file)
    cells: list[Cell] = []
    rows: list[Row] = []
    head(("program", "uses", "share", *(f"{name}, kB" for name in COLUMNS)))
    for problem in programs:
        for share in shares:
            case = at_share(problem, share)
            name = f"{problem.name}, traffic"
            made = [
                book.value(name, case, share, COLUMNS, column, agent, seed) for column in COLUMNS
            ]
            values = [f"{cell.value / 1e3:,.1f}" for cell in made]
            line((problem.name, f"{made[0].uses:,}", f"{share:.0%}", *values))
            cells += made
            rows.append({cell.column: cell.value for cell in made})
    print()
    for words in duels(rows):
        print(words)
    return cells


def duels(rows: Sequence[Row]) -> Iterator[str]:
    """Against `greedy` and what `ilp` proves. AssertionError for a plan below the bound."""
    for row in rows:
        least = min(value for name, value in row.items() if name != "bound")
        if row["bound"] > least + NEAR:
            raise AssertionError(f"a plan of {least} bytes, and none has less than {row['bound']}")
    proven = [row for row in rows if row["ilp"] <= row["bound"] + NEAR]
    for mine in ("greedy", "raw", "raw, order free", "prod"):
        found = sum(row[mine] <= row["bound"] + NEAR for row in proven)
        less = sum(row[mine] < row["greedy"] - NEAR for row in rows)
        more = sum(row[mine] > row["greedy"] + NEAR for row in rows)
        over = sum(row[mine] for row in rows) / max(1.0, sum(row["bound"] for row in rows)) - 1
        yield (
            f"{mine}: the optimum on {found} of {len(proven)} where it is proven; less than greedy"
            f" on {less}, more on {more} of {len(rows)}; all bytes {over:+.1%} over the bound"
        )
