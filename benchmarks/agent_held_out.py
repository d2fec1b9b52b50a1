"""Model families that the agent never saw, at shares of their peak, for benchmarks.agent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.agent_cells import Book, Cell, Figure, against, micro, rows_of
from benchmarks.agent_players import CLOSE, WAYS, Agent, head, liked, line, solved
from cosmalloc.ilp.latency import latency_bound
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share

COLUMNS: dict[str, Figure] = {
    "bound": lambda p, agent, _: latency_bound(p, source_order(p), agent.seconds / 2),
    "msa": lambda p, agent, seed: solved(p, "msa", agent.seconds, seed),
    "greedy": lambda p, agent, seed: solved(p, "greedy", agent.seconds, seed),
    "likeliest": lambda p, agent, _: liked(p, agent.network),
    "evolution": lambda p, agent, seed: agent.plays(p, WAYS["evolution"], seed),
    "evolution, annealed": lambda p, agent, seed: agent.plays(p, WAYS["evolution, annealed"], seed),
    "search": lambda p, agent, seed: solved(p, "search", agent.seconds, seed),
    "raw": lambda p, agent, seed: agent.plays(p, WAYS["agent"], seed),
    "prod": lambda p, agent, seed: solved(p, "rl", agent.seconds, seed),
}


def fill(
    programs: Sequence[Problem],
    shares: Sequence[float],
    columns: Sequence[str],
    agent: Agent,
    seed: int,
    file: Path | None,
) -> list[Cell]:
    """The cells asked for, those of the file among them."""
    book = Book(file)
    return [
        book.value(problem.name, at_share(problem, share), share, COLUMNS, column, agent, seed)
        for share in shares
        for problem in programs
        for column in columns
    ]


def show(cells: Sequence[Cell], columns: Sequence[str], seconds: float) -> None:
    """Microseconds, then means and duels."""
    rows = rows_of(cells, seconds)
    head(("program", "uses", "share", *columns, "prod against msa"))
    for (program, share, _), row in sorted(rows.items(), key=lambda each: each[0][:2]):
        values = [micro(row.get(name)) for name in columns]
        least = min(row[name] for name in row if name not in ("bound", "uses"))
        if row.get("bound", 0.0) > least * (1 + CLOSE):
            raise AssertionError(f"{program} at {share:.0%}: a plan is below the bound")
        gain = f"{row['prod'] / row['msa'] - 1:+.1%}" if {"prod", "msa"} <= row.keys() else "-"
        line((program, f"{row['uses']:,.0f}", f"{share:.0%}", *values, gain))
    print()
    for name in columns:
        print(f"{name}: {against(list(rows.values()), name, 'msa')}")
    for mine in ("raw", "prod"):
        for other in ("greedy", "evolution", "evolution, annealed", "search"):
            print(f"{mine}: {against(list(rows.values()), mine, other)}")
