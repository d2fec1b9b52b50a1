"""Mixed-integer programs as sparse rows, solved by HiGHS, with bounds that hold in floating point.

    min c x    low_i <= sum_j a_ij x_j <= high_i,    0 <= x_j <= top_j

For programs of ten thousand rows that are solved again and again; PuLP writes down the small ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import highspy
import numpy as np
import numpy.typing as npt

Ending = Literal["optimal", "feasible", "infeasible", "unknown"]
Floats = npt.NDArray[np.float64]
Term = tuple[int, float]
INF = float("inf")
STRICT = 1e-9  # tolerance of rows and of whole numbers
DOUBT = 1e-6  # relative: what a bound of branch and bound loses, three orders above the tolerance
ROUNDING = 8e-15  # relative: what a sum of some ten doubles may lose, with room to spare


@dataclass(frozen=True, slots=True)
class Solution:
    """x: float64[columns], None with `infeasible` and `unknown`. value: its cost. bound: proven, no
    solution costs less; minus infinity where nothing is."""

    ending: Ending
    x: Floats | None
    value: float
    bound: float


@dataclass
class Sparse:
    """Mutable: columns and rows are added one after the other, and never taken away.

    cost, top, whole: per column its c, its upper bound (finite), and whether it is 0 or 1.
    """

    cost: list[float] = field(default_factory=list)
    top: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    start: list[int] = field(default_factory=lambda: [0])
    index: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def column(self, top: float = 1.0, *, cost: float = 0.0, whole: bool = False) -> int:
        """The number of a new column."""
        self.cost.append(cost)
        self.top.append(top)
        self.whole.append(whole)
        return len(self.cost) - 1

    def columns(self, count: int, top: float = 1.0, *, cost: float = 0.0) -> list[int]:
        """The numbers of new columns."""
        return [self.column(top, cost=cost) for _ in range(count)]

    def row(self, terms: Iterable[Term], low: float = 0.0, high: float = INF) -> None:
        """low <= sum of coefficient * column <= high; a column may come twice."""
        summed: dict[int, float] = {}
        for column, factor in terms:
            summed[column] = summed.get(column, 0.0) + factor
        self.index += summed
        self.value += summed.values()
        self.start.append(len(self.index))
        self.low.append(low)
        self.high.append(high)

    def solve(
        self,
        seconds: float,
        *,
        whole: bool = True,
        fixed: Mapping[int, float] | None = None,
        cost: Sequence[float] | None = None,
        seed: int = 0,
        doubt: float = DOUBT,
        start: Floats | None = None,
    ) -> Solution:
        """The least solution, on one thread. whole: False for the relaxation, whose bound is exact.

        fixed: values of columns. cost: another one. The bound is for the program as solved. doubt:
        relative, what the bound of branch and bound loses for the solver's tolerances. start: a
        solution to better.
        """
        bottom, top = np.zeros(len(self.top)), np.array(self.top, np.float64)
        if not self.cost and max(self.low, default=0.0) <= 0 <= min(self.high, default=0.0):
            return Solution("optimal", bottom, 0.0, 0.0)
        for column, value in (fixed or {}).items():
            bottom[column] = top[column] = value
        costs = np.array(self.cost if cost is None else cost, np.float64)
        highs = self._highs(costs, bottom, top, whole, max(seconds, 0.01), seed)
        if start is not None:
            given = highspy.HighsSolution()
            given.col_value, given.value_valid = start.tolist(), True
            highs.setSolution(given)
        highs.run()
        return self._told(highs, costs, bottom, top, doubt if whole else None)

    def _highs(
        self, cost: Floats, bottom: Floats, top: Floats, whole: bool, seconds: float, seed: int
    ) -> highspy.Highs:
        highs = highspy.Highs()
        options: dict[str, object] = {
            "output_flag": False,
            "threads": 1,
            "time_limit": seconds,
            "random_seed": seed,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": 0.0,
            "mip_feasibility_tolerance": STRICT,
            "primal_feasibility_tolerance": STRICT,
            "dual_feasibility_tolerance": STRICT,
        }
        for name, option in options.items():
            highs.setOptionValue(name, option)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(cost), len(self.low)
        program.col_cost_, program.col_lower_, program.col_upper_ = cost, bottom, top
        program.row_lower_ = np.array(self.low, np.float64)
        program.row_upper_ = np.array(self.high, np.float64)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.array(self.start, np.int32)
        program.a_matrix_.index_ = np.array(self.index, np.int32)
        program.a_matrix_.value_ = np.array(self.value, np.float64)
        if whole:
            kinds = highspy.HighsVarType
            program.integrality_ = [kinds.kInteger if w else kinds.kContinuous for w in self.whole]
        highs.passModel(program)
        return highs

    def _told(
        self, highs: highspy.Highs, cost: Floats, bottom: Floats, top: Floats, doubt: float | None
    ) -> Solution:
        status, info = highs.getModelStatus(), highs.getInfo()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Solution("infeasible", None, INF, INF)
        done = status == highspy.HighsModelStatus.kOptimal
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        solution = highs.getSolution()
        if doubt is not None and any(self.whole):
            bound = float(info.mip_dual_bound)
            bound = bound - doubt * abs(bound) if math.isfinite(bound) else -INF
        else:
            dual = np.array(solution.row_dual, np.float64)
            bound = self.weak_duality(cost, bottom, top, dual) if len(dual) else -INF
        if not found:
            return Solution("unknown", None, INF, bound)
        x = np.clip(np.array(solution.col_value, np.float64), bottom, top)
        return Solution("optimal" if done else "feasible", x, float(cost @ x), bound)

    def weak_duality(self, cost: Floats, bottom: Floats, top: Floats, dual: Floats) -> float:
        """For any y, here the duals found, with d = c - y A:

            c x >= sum_i min over [low_i, high_i] of y_i r + sum_j min over [0, top_j] of d_j x_j

        less what the sums may lose by rounding.
        """
        low, high = np.array(self.low, np.float64), np.array(self.high, np.float64)
        y = np.where((dual > 0) & ~np.isfinite(low), 0.0, dual)
        y = np.where((y < 0) & ~np.isfinite(high), 0.0, y)
        side = np.where(y > 0, low, np.where(y < 0, high, 0.0))
        lengths = np.diff(np.array(self.start))
        column = np.array(self.index, np.int64)
        pull = np.repeat(y, lengths) * np.array(self.value, np.float64)
        reduced, weight = cost.copy(), np.abs(cost)
        np.subtract.at(reduced, column, pull)
        np.add.at(weight, column, np.abs(pull))
        box = np.where(reduced > 0, bottom, top)
        lost = np.abs(y * side).sum() + (weight * np.abs(top)).sum()
        return float((y * side).sum() + (reduced * box).sum() - ROUNDING * lost)
