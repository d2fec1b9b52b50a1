"""The best plan and bound so far, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from cosmalloc.history import Standing
from cosmalloc.objective import objective_value
from cosmalloc.plan import Objective, Outcome, Plan, Status
from cosmalloc.problem import Problem

Progress = Callable[[str, float], None]


@dataclass
class Best:
    """The least plan so far and the bound; both only get better."""

    problem: Problem
    objective: Objective
    seed: int
    plan: Plan | None = None
    value: float = float("inf")
    bound: float = 0.0
    hopeless: bool = False  # no plan exists

    def offer(self, plan: Plan | None) -> None:
        """Takes the plan if it is better."""
        if plan is not None:
            value = objective_value(self.problem, plan, self.objective)
            if value < self.value:
                self.plan, self.value = plan, value

    def raise_bound(self, bound: float) -> None:
        """No plan has less than `bound`."""
        self.bound = max(self.bound, bound)

    @property
    def proven(self) -> bool:
        return self.value <= self.bound

    def outcome(self, otherwise: Outcome) -> Outcome:
        """The end; without a plan, the reason of `otherwise`."""
        status: Status
        if self.plan is None:
            status = "infeasible" if self.hopeless else "unknown"
            return replace(otherwise, solver="ilp", status=status)
        status = "optimal" if self.proven else "feasible"
        least = min(self.bound, self.value)
        return Outcome(
            self.problem.name, "ilp", status, self.objective, self.plan, self.value, least
        )


def say(best: Best, progress: Progress, share: float) -> None:
    """The plan, the bound and the gap so far."""
    if best.plan is not None:
        gap = 0.0 if best.proven else 1 - best.bound / best.value
        words = f"{best.value:,.0f} bytes, at least {best.bound:,.0f}, gap {gap:.1%}"
        progress(Standing(words, best.value, min(best.bound, best.value)), share)


def left(stop: float) -> float:
    """Seconds until `stop`, at least 0."""
    return max(0.0, stop - time.perf_counter())
