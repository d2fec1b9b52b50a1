"""A covering program that grows by rows, solved by HiGHS, its bound proven in whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DUAL_BITS = 30


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
        import highspy

        self._highs: Any = highspy.Highs()
        self._optimal, self._infinity = highspy.HighsModelStatus.kOptimal, highspy.kHighsInf
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
            least / unit, self._infinity, len(at), at.astype(np.int32), weight / unit
        )

    def solve(self, seconds: float) -> bool:
        """Whether it was solved in time."""
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(seconds, 0.01))
        self._highs.run()
        if self._highs.getModelStatus() != self._optimal:
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
