"""How the solver's work ends: the best of several plans, or the step that has no room."""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Objective, Outcome, Plan, Status
from cosmalloc.problem import Problem


def best_of(problem: Problem, plans: list[Plan], objective: Objective) -> Outcome:
    """The plan with the least value, the first of equals."""
    values = [objective_value(problem, plan, objective) for plan in plans]
    value, plan = min(zip(values, plans, strict=True), key=lambda pair: pair[0])
    least = min(bound(problem, objective), value)
    status: Status = "optimal" if value <= least else "feasible"
    return Outcome(problem.name, "greedy", status, objective, plan, value, least)


def no_room(uses: Uses, height: Ints, objective: Objective) -> Outcome:
    """No plan: the step that needs most, and the scratchpad that would do for all."""
    step = int(np.argmax(height))
    index = uses.life.order[step]
    operator = uses.problem.operators[index]
    room = uses.problem.target.scratchpad_bytes
    return Outcome(
        uses.problem.name,
        "greedy",
        "infeasible" if bound(uses.problem, "peak") > room else "unknown",  # in another order
        objective,
        reason=f"operator {index} (`{operator.name}`) needs {int(height[step]):,} bytes on chip at"
        f" once, the scratchpad has {room:,}",
        smallest_scratchpad=int(height[step]),
    )
