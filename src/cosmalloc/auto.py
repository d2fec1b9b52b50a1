"""The solver `auto`: `greedy` at once, then `ilp` with the time that is left; the better plan.

For less latency where operands may lie anywhere, `search`: it starts from `greedy` and `msa`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cosmalloc.greedy import solve as greedy
from cosmalloc.plan import Objective, Outcome
from cosmalloc.problem import Problem

Progress = Callable[[str, float], None]


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """As every solver; the outcome names the one that had the last word."""
    if objective == "latency" and problem.target.operand_rule == "anywhere":
        from cosmalloc.latency.search import solve as search

        return search(problem, objective=objective, seconds=seconds, seed=seed, progress=progress)
    began = time.perf_counter()
    first = greedy(problem, objective=objective, seconds=seconds, seed=seed, progress=progress)
    if first.status == "optimal":
        return first
    from cosmalloc.ilp.solver import improved, knows_more

    if not knows_more(problem, objective):
        return first
    rest = max(0.0, seconds - (time.perf_counter() - began))
    return improved(problem, first, rest, seed, progress)
