"""The door to HiGHS through PuLP: warm start, bound, and endings with names.

After a time limit PuLP's `status` still says optimal, and an infeasible model is told by either of
two numbers; here both are read once. PuLP hands out no bound and takes no start: both go past it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
import numpy.typing as npt
import pulp

Ending = Literal["optimal", "feasible", "infeasible", "unknown"]
DUAL_BITS = 30


@dataclass(frozen=True, slots=True)
class Solved:
    """value: of the variables, only with `optimal` and `feasible`, read from the model. bound: no
    solution has less; minus infinity where nothing is proven."""

    ending: Ending
    value: float
    bound: float


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
        lp.solverModel.run()


def solve_model(
    model: pulp.LpProblem,
    seconds: float,
    start: Mapping[pulp.LpVariable, float] | None = None,
    seed: int = 0,
) -> Solved:
    """Minimises on one thread; the variables of `model` hold the solution. start: of all variables,
    what is not named is 0."""
    solver = _Started(
        start or {},
        msg=False,
        threads=1,
        timeLimit=max(seconds, 0.01),
        gapRel=0.0,
        gapAbs=0.0,
        random_seed=seed,
    )
    model.solve(solver)
    info = model.solverModel.getInfo()
    whole = any(var.cat == pulp.LpInteger for var in model.variables())
    found = model.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    value = float(info.objective_function_value) if found else math.inf
    bound = float(info.mip_dual_bound) if whole else value
    if model.status == pulp.LpStatusInfeasible or model.sol_status == pulp.LpSolutionInfeasible:
        return Solved("infeasible", math.inf, math.inf)
    if not found or not math.isfinite(value):
        return Solved("unknown", math.inf, bound)
    if model.sol_status == pulp.LpSolutionOptimal:
        return Solved("optimal", value, max(bound, -math.inf))
    return Solved("feasible", value, bound)


class Cover:
    """min c x, A x >= b, 0 <= x <= 1: a linear program that grows by rows, and proves in whole
    numbers.

    cost: int64[columns], at least 0. x: float64[columns], the last solution.
    """

    def __init__(self, cost: npt.NDArray[np.int64]) -> None:
        self.x = np.zeros(len(cost))
        self._cost = cost
        self._scale = float(max(1, cost.max(initial=1)))
        self._rows: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]] = []
        self._y: npt.NDArray[np.float64] = np.zeros(0)
        self._highs = highspy.Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        count, nothing = len(cost), np.zeros(0)
        none = np.zeros(0, np.int32)
        self._highs.addCols(
            count, cost / self._scale, np.zeros(count), np.ones(count), 0, none, none, nothing
        )

    def add(self, at: npt.NDArray[np.int64], weight: npt.NDArray[np.int64], least: int) -> None:
        """One more row: sum weight * x[at] >= least."""
        self._rows.append((at, weight, least))
        unit = float(np.abs(weight).max(initial=1))
        self._highs.addRow(
            least / unit, highspy.kHighsInf, len(at), at.astype(np.int32), weight / unit
        )

    def solve(self, seconds: float) -> bool:
        """Whether it was solved in time."""
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(seconds, 0.01))
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return False
        solution = self._highs.getSolution()
        self.x = np.clip(np.array(solution.col_value), 0.0, 1.0)
        units = [float(np.abs(weight).max(initial=1)) for _, weight, _ in self._rows]
        self._y = np.maximum(0.0, np.array(solution.row_dual)) * self._scale / np.array(units)
        return True

    def proven(self) -> int:
        """b y - sum_j max(0, (A^T y)_j - c_j), rounded up: no solution costs less (weak duality).

        y are the duals cut to multiples of 2**-30; all sums are of Python's integers.
        """
        y = [int(dual * 2**DUAL_BITS) for dual in self._y.tolist()]
        pressed = [-(cost << DUAL_BITS) for cost in self._cost.tolist()]
        total = 0
        for dual, (at, weight, least) in zip(y, self._rows, strict=True):
            if dual:
                total += dual * least
                for column, size in zip(at.tolist(), weight.tolist(), strict=True):
                    pressed[column] += dual * size
        total -= sum(over for over in pressed if over > 0)
        bound: int = max(0, -(-total >> DUAL_BITS))
        return bound
