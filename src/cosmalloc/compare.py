"""Every solver and baseline on one problem, one row each.

    gap = (value - bound) / value        bound: the largest that anybody proved for the problem

A baseline (`cosmalloc.baselines`) proves nothing and knows no objective: its plan is what it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cosmalloc.errors import InputError
from cosmalloc.objective import bound as bound_of
from cosmalloc.objective import objective_value
from cosmalloc.plan import Objective, Outcome, Plan, Status
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import SOLVERS, Progress, solve
from cosmalloc.traffic import peak, traffic
from cosmalloc.verify import verify


@dataclass(frozen=True, slots=True)
class Row:
    """How one contestant ended.

    traffic: non-compulsory bytes. latency: seconds of the timeline, None where operators have no
    seconds. peak: bytes. value, bound: of the objective. gap: share of the value, 0 is proven best.
    seconds: wall time. All but the first three and the last two are None where there is no plan.
    """

    name: str
    kind: Literal["solver", "baseline"]
    status: Status
    traffic: int | None = None
    latency: float | None = None
    peak: int | None = None
    value: float | None = None
    bound: float | None = None
    gap: float | None = None
    seconds: float = 0.0
    reason: str = ""


def contestants(problem: Problem) -> tuple[str, ...]:
    """Solvers first, then baselines; these exist for the rule `resident` only."""
    solvers = tuple(SOLVERS)
    if problem.target.operand_rule != "resident":
        return solvers
    from cosmalloc.baselines.named import BASELINES

    return solvers + BASELINES


def compare(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """A row for each of `names` (default: all contestants) as soon as it is known, without its gap.

    seconds: for each. Raises InputError for a name that is no contestant.
    """
    everybody = contestants(problem)
    for name in everybody if names is None else names:
        if name not in everybody:
            raise InputError(
                f"there is no solver or baseline `{name}` for this problem",
                f"use {', '.join(everybody)}",
            )
    for name in everybody if names is None else names:
        if name in SOLVERS:
            outcome = solve(
                problem,
                objective=objective,
                solver=name,
                seconds=seconds,
                seed=seed,
                progress=progress,
            )
            yield _solver_row(problem, name, outcome)
        else:
            yield _baseline_row(problem, name, objective, seconds)


def with_gaps(problem: Problem, objective: Objective, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with their gaps to the largest bound that anybody proved."""
    proven = [row.bound for row in rows if row.bound is not None]
    least = max([_simple_bound(problem, objective), *proven])
    return tuple(
        row if row.value is None else replace(row, gap=_gap(row.value, least)) for row in rows
    )


def _gap(value: float, least: float) -> float:
    return 0.0 if value <= least else (value - least) / value


def _simple_bound(problem: Problem, objective: Objective) -> float:
    try:
        return bound_of(problem, objective)
    except InputError:  # latency, and operators without seconds
        return 0.0


def _solver_row(problem: Problem, name: str, outcome: Outcome) -> Row:
    row = Row(
        name,
        "solver",
        outcome.status,
        value=outcome.value,
        bound=outcome.bound,
        seconds=outcome.seconds,
        reason=outcome.reason,
    )
    return row if outcome.plan is None else _measured(problem, row, outcome.plan)


def _baseline_row(problem: Problem, name: str, objective: Objective, seconds: float) -> Row:
    from cosmalloc.baselines.named import baseline

    began = time.perf_counter()
    plan = baseline(problem, name, seconds)
    row = Row(name, "baseline", "unknown", seconds=time.perf_counter() - began)
    if plan is None:
        return replace(row, reason="a step does not fit, or no order was found in time")
    faults = verify(problem, plan)
    if faults:
        raise AssertionError(f"baseline `{name}` made an illegal plan: {faults[0]}")
    try:
        value = objective_value(problem, plan, objective)
    except InputError as error:  # `peak` allows compulsory copies only
        return replace(row, reason=error.fact)
    return _measured(problem, replace(row, status="feasible", value=value), plan)


def _measured(problem: Problem, row: Row, plan: Plan) -> Row:
    return replace(
        row,
        traffic=traffic(problem, plan).non_compulsory,
        latency=_latency(problem, plan),
        peak=peak(problem, plan),
    )


def _latency(problem: Problem, plan: Plan) -> float | None:
    try:
        return simulate(problem, plan).latency
    except InputError:
        return None
