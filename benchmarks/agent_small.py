"""Small programs whose optimum is proven: how often the agent finds it, for benchmarks.agent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.agent_cells import Book, Figure, Row
from benchmarks.agent_players import EVEN, WAYS, Agent, head, line, measured, solved
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.cuttings import cutting
from cosmalloc.rl_agent.mapping_arena import uses_of
from cosmalloc.solve import solve
from cosmalloc.tpu.extract import in_one_order

NEAR = 2e-6  # relative: what the program's solver leaves open
FEWEST, LONGEST = 4, 60  # uses, operators
SOLVERS: dict[str, Figure] = {
    "msa": lambda p, _agent, seed: solved(p, "msa", 1.0, seed),
    "greedy": lambda p, _agent, seed: solved(p, "greedy", 1.0, seed),
    "search": lambda p, agent, seed: solved(p, "search", agent.seconds, seed),
    "evolution": lambda p, agent, seed: agent.plays(p, EVEN, seed),
    "no annealing": lambda p, agent, seed: agent.plays(p, WAYS["no annealing"], seed),
    "raw": lambda p, agent, seed: agent.plays(p, WAYS["agent"], seed),
    "prod": lambda p, agent, seed: solved(p, "rl", agent.seconds, seed),
}


def small_programs(models: Sequence[Problem], seed: int) -> Iterator[Problem]:
    """Cuttings of these models without end."""
    rng = np.random.default_rng(seed)
    while True:
        made = cutting(models[int(rng.integers(len(models)))], rng, longest=LONGEST)
        if uses_of(made) >= FEWEST:
            yield made


def proven(problem: Problem, proof: float) -> float:
    """The optimum in the program's own order, which the agent plays, as nearly as `ilp` can tell; 0
    where it can't prove it in so many seconds."""
    exact = solve(in_one_order(problem), objective="latency", solver="ilp", seconds=proof)
    value = measured(problem, exact.plan)
    return value if exact.bound is not None and value <= exact.bound * (1 + NEAR) else 0.0


def compare(
    models: Sequence[Problem],
    count: int,
    agent: Agent,
    seed: int,
    proof: float,
    file: Path | None,
    names: Sequence[str] = tuple(SOLVERS),
) -> tuple[list[Row], int]:
    """Values by solver of so many programs with a proven optimum; how many were tried."""
    book = Book(file)
    columns = {"optimum": lambda p, _agent, _seed: proven(p, proof), **SOLVERS}
    rows: list[Row] = []
    for tried, problem in enumerate(small_programs(models, seed), 1):
        name = f"{seed}.{tried} {problem.name}"

        def value(column: str, name: str = name, problem: Problem = problem) -> float:
            return book.value(name, problem, 1.0, columns, column, agent, 0).value

        if optimum := value("optimum"):
            values = {column: value(column) for column in names}
            least = min(values, key=values.__getitem__)
            if values[least] < optimum * (1 - NEAR):
                raise AssertionError(f"{name}: {least} is below the proven optimum")
            rows.append({"optimum": optimum, "uses": uses_of(problem), **values})
            if len(rows) == count:
                return rows, tried
    return rows, 0


def show(rows: Sequence[Row], tried: int) -> None:
    """How often, and how far from it."""
    uses = [row["uses"] for row in rows]
    print(f"{len(rows)} programs with a proven optimum, of {tried} tried; ", end="")
    print(f"{min(uses):.0f} to {max(uses):.0f} uses\n")
    head(("solver", "optimum found", "mean gap", "largest gap"))
    for name in (name for name in SOLVERS if name in rows[0]):
        gaps = np.array([row[name] / row["optimum"] - 1 for row in rows])
        found = f"{(gaps <= NEAR).mean():.1%}"
        line((name, found, f"{gaps.mean():.3%}", f"{gaps.max():.1%}"))
