"""The solver `auto`: `greedy` at once, then `ilp` with the time that is left; the better plan.

For less latency where operands may lie anywhere, `search` comes first: it starts from `greedy` and
`msa`, and `ilp` has the rest of the time for a bound, and for a plan where it knows a better one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cosmalloc.greedy import solve as greedy
from cosmalloc.plan import Objective, Outcome
from cosmalloc.problem import Problem

Progress = Callable[[str, float], None]
SEARCHING = 0.85  # of the time, where `search` comes first


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """As every solver; the outcome names the one that had the last word."""
    began = time.perf_counter()
    if objective == "latency" and problem.target.operand_rule == "anywhere":
        from cosmalloc.latency.search import solve as search

        first = search(problem, seconds=SEARCHING * seconds, seed=seed, progress=progress)
    else:
        first = greedy(problem, objective=objective, seconds=seconds, seed=seed, progress=progress)
    if first.status == "optimal":
        return first
    from cosmalloc.ilp.solver import improved, knows_more

    if not knows_more(problem, objective):
        return first
    rest = max(0.0, seconds - (time.perf_counter() - began))
    return improved(problem, first, rest, seed, progress)
