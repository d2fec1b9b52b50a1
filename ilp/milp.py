"""The one door to solvers of integer programs: HiGHS, or CBC where that is missing or asked for.

    optimal      a solution, and no other is better
    feasible     a solution; the time was up
    infeasible   proven to have none
    unknown      none found; the time was up
    missing      no solver is installed
    doubtful     what the solver calls a solution breaks a row once its integers are whole

Every solution is looked at again with whole numbers: integer variables are rounded, rows and value
are recomputed exactly from them (other variables stand as they are, and only their rows have a
tolerance). A bound is never above the value.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import pulp

from cosmalloc.errors import InputError

Ending = Literal["optimal", "feasible", "infeasible", "unknown", "missing", "doubtful"]
Milp = Literal["auto", "highs", "cbc"]
TOLERANCE = 1e-6  # of a row's largest coefficient, where it has a variable that is not whole
_chosen: ContextVar[Milp] = ContextVar("milp", default="auto")


@dataclass(frozen=True, slots=True)
class Solved:
    """value: of the variables, only with `optimal` and `feasible`, read from the model. bound: no
    solution has less; minus infinity where nothing is proven."""

    ending: Ending
    value: float
    bound: float


@contextmanager
def using(solver: Milp) -> Iterator[None]:
    """Integer programs inside the block go to this solver."""
    if solver not in get_args(Milp):
        raise InputError(f"there is no MILP solver `{solver}`", f"use {', '.join(get_args(Milp))}")
    token = _chosen.set(solver)
    try:
        yield
    finally:
        _chosen.reset(token)


def solve_model(
    model: pulp.LpProblem,
    seconds: float,
    start: Mapping[pulp.LpVariable, float] | None = None,
    seed: int = 0,
) -> Solved:
    """Minimises on one thread; the variables of `model` hold the solution, integers whole. start:
    of all variables, what is not named is 0."""
    name = installed(_chosen.get())
    if name is None:
        return Solved("missing", math.inf, -math.inf)
    if name == "highs":
        from cosmalloc.ilp.highs import run
    else:
        from cosmalloc.ilp.cbc import run
    return checked(model, run(model, max(seconds, 0.01), start or {}, seed))


def installed(wanted: Milp) -> Literal["highs", "cbc"] | None:
    """The solver that is asked for, or the first there is; None if it is not there."""
    modules: dict[Literal["highs", "cbc"], str] = {"highs": "highspy", "cbc": "cbcbox"}
    for name, module in modules.items():
        if wanted in ("auto", name) and importlib.util.find_spec(module) is not None:
            return name
    return None


def checked(model: pulp.LpProblem, claimed: Solved) -> Solved:
    """What is left of a claim after exact arithmetic."""
    if claimed.ending not in ("optimal", "feasible"):
        return claimed
    values: dict[Any, Fraction] = {}
    for variable in model.variables():
        given = variable.value() or 0.0
        whole = variable.cat == pulp.LpInteger
        if whole:
            variable.varValue = float(round(given))
        values[variable] = Fraction(round(given)) if whole else Fraction(given)
    if not all(_holds(row, values) for row in model.constraints()):
        return Solved("doubtful", math.inf, -math.inf)
    value = float(_sum(model.objective, values))
    if claimed.ending == "optimal" and abs(value - claimed.value) > TOLERANCE * max(1, abs(value)):
        return Solved("feasible", value, min(claimed.bound, value))
    return Solved(claimed.ending, value, min(claimed.bound, value))


def _holds(row: Any, values: Mapping[Any, Fraction]) -> bool:
    loose = any(variable.cat != pulp.LpInteger for variable in row.keys())  # noqa: SIM118
    largest = max((abs(size) for size in row.values()), default=1)
    slack = Fraction(TOLERANCE) * Fraction(largest) if loose else Fraction(0)
    left = _sum(row, values)
    if row.sense == pulp.LpConstraintEQ:
        return abs(left) <= slack
    return left >= -slack if row.sense == pulp.LpConstraintGE else left <= slack


def _sum(row: Any, values: Mapping[Any, Fraction]) -> Fraction:
    """Of the terms and the constant."""
    total = Fraction(row.constant)
    for variable, size in row.items():
        if values[variable]:
            total += Fraction(size) * values[variable]
    return total
