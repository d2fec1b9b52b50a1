"""The door to HiGHS through PuLP: warm start, bound, and endings with names.

After a time limit PuLP's `status` still says optimal, and an infeasible model is told by either of
two numbers; here both are read once. PuLP hands out no bound and takes no start: both go past it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import highspy
import pulp

from cosmalloc.ilp.milp import Solved


class _Started(pulp.HiGHS):  # type: ignore[misc]
    """HiGHS that starts from values of some variables."""

    def __init__(self, start: Mapping[pulp.LpVariable, float], **options: Any) -> None:
        super().__init__(**options)
        self.start = start

    def callSolver(self, lp: pulp.LpProblem) -> None:  # noqa: N802  (PuLP's name)
        if self.start:
            solution = highspy.HighsSolution()
            solution.col_value = [float(self.start.get(var, 0.0)) for var in lp.variables()]
            solution.value_valid = True
            lp.solverModel.setSolution(solution)
        lp.solverModel.HandleKeyboardInterrupt = True  # else Ctrl-C waits for the time limit
        lp.solverModel.run()


def run(
    model: pulp.LpProblem, seconds: float, start: Mapping[pulp.LpVariable, float], seed: int
) -> Solved:
    """Minimises on one thread; the variables of `model` hold the solution."""
    solver = _Started(
        start,
        msg=False,
        threads=1,
        timeLimit=seconds,
        gapRel=0.0,
        gapAbs=0.0,
        random_seed=seed % 2**31,
    )
    model.solve(solver)
    info = model.solverModel.getInfo()
    whole = any(var.cat == pulp.LpInteger for var in model.variables())
    found = model.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    value = float(info.objective_function_value) if found else math.inf
    done = model.sol_status == pulp.LpSolutionOptimal
    bound = float(info.mip_dual_bound) if whole else value if done else -math.inf
    if model.status == pulp.LpStatusInfeasible or model.sol_status == pulp.LpSolutionInfeasible:
        return Solved("infeasible", math.inf, math.inf)
    if not found or not math.isfinite(value):
        return Solved("unknown", math.inf, bound)
    return Solved("optimal" if done else "feasible", value, bound)
