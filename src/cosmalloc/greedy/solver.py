"""The phases of `greedy` in a row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cosmalloc.greedy.choose import choose
from cosmalloc.greedy.links import traffic
from cosmalloc.greedy.offsets import pack
from cosmalloc.greedy.transfers import blocking_plan
from cosmalloc.greedy.uses import Ints, Uses, rounded, uses_of
from cosmalloc.greedy.working_set import base_load, heights, in_place_pairs
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.plan import Objective, Outcome, Status
from cosmalloc.problem import Problem


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Outcome:
    """A plan in source order, whenever one exists for it."""
    uses = uses_of(problem, lifetimes(problem, source_order(problem)))
    pairs = in_place_pairs(uses)
    height = heights(uses, pairs)
    target = problem.target
    if len(height) and height.max() > target.scratchpad_bytes:
        return infeasible(uses, height, objective)
    base = base_load(uses, pairs)
    choice = choose(uses, base, rounded(target.scratchpad_bytes, target.alignment))
    choice, stays, offsets = pack(uses, choice, pairs)
    plan = blocking_plan(uses, choice, stays, offsets)
    value = int(traffic(uses, choice).sum())
    status: Status = "optimal" if value == 0 else "feasible"
    return Outcome(problem.name, "greedy", status, objective, plan, value, 0)


def infeasible(uses: Uses, height: Ints, objective: Objective) -> Outcome:
    """No plan: the step that needs most, and the scratchpad that would do for all."""
    step = int(np.argmax(height))
    index = uses.life.order[step]
    operator = uses.problem.operators[index]
    return Outcome(
        uses.problem.name,
        "greedy",
        "infeasible",
        objective,
        reason=f"operator {index} (`{operator.name}`) needs {int(height[step]):,} bytes on chip at"
        f" once, the scratchpad has {uses.problem.target.scratchpad_bytes:,}",
        smallest_scratchpad=int(height[step]),
    )
