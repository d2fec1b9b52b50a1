"""The solver `msa`: XLA's memory space assignment, reimplemented (see native/decode_msa.hpp).

It decides tensor after tensor, the one with the most benefit per square root of its bytes first,
and takes nothing back: what XLA's compiler for TPUs does by default, as a baseline that runs
anywhere. Rules after the open source (openxla/xla, xla/service/memory_space_assignment), constants
as its TPU compiler has them. Left out: copies in slices, and loads for a loop
as a whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cosmalloc import _native
from cosmalloc.latency.draft import Drafting
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Objective, Outcome, Plan, Status
from cosmalloc.problem import Problem
from cosmalloc.target import Target

WINDOW = 4 * 2**20  # bytes

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Msa:
    """The constants of XLA's decisions.

    preferred, least: a load's window in multiples of the copy's seconds. most: of the seconds of a
    copy of the whole scratchpad, how long a tensor may stay without being used.
    outstanding: copies under way at once. repacks: how often everything moves to make room.
    cross_program: the largest tensor that is only read stays on chip for the whole program. Here
    its load is a load like all others, from border 0 on, and counts; XLA assumes that the program
    run before has left it there, and counts nothing.
    """

    preferred: float = 2.0
    least: float = 1.0
    most: float = 8.0
    outstanding: int = 40
    repacks: int = 4
    cross_program: bool = False
    window: int = 0
    by_trip: bool = True

    @classmethod
    def of(cls, target: Target) -> Msa:
        """As XLA's compiler has them for TPUs. The window is another for each program there (2 to 8
        MiB, as libtpu 0.0.52 logs it, by no rule that we found); the one here is the commonest."""
        tpu = re.search(r"\bv\d", target.name) and target.scratchpad_bytes >= WINDOW
        return cls(window=WINDOW) if tpu else cls()


def decoded(drafting: Drafting, rules: Msa, priority: list[float] | None = None) -> _native.Draft:
    """The draft that these rules lead to. priority: per web, the largest decides first; None: the
    benefit's."""
    draft = drafting.empty()
    draft.decode_msa(
        rules.preferred,
        rules.least,
        rules.most,
        rules.outstanding,
        rules.repacks,
        rules.cross_program,
        np.array(priority or [], np.float64),
        rules.window,
        np.array(drafting.trips if rules.by_trip else (), np.int64),
    )
    return draft


def msa_plan(problem: Problem, rules: Msa | None = None) -> Plan:
    """XLA's plan in source order. InputError for a target with the rule `resident`, or an operator
    without seconds."""
    drafting = Drafting.of(problem)
    return drafting.plan(decoded(drafting, rules or Msa.of(problem.target)).stays())


def solve(
    problem: Problem,
    *,
    objective: Objective = "latency",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """As every solver; it needs milliseconds and no dice. Its plans are meant for `latency`, they
    are measured by whatever is asked for."""
    why = unfit(problem, objective)
    if why:
        return Outcome(problem.name, "msa", "unknown", objective, reason=why)
    return outcome_of(problem, "msa", objective, msa_plan(problem))


def unfit(problem: Problem, objective: Objective) -> str:
    """Why these plans can't answer, "" if they can."""
    if problem.target.operand_rule != "anywhere":
        return "it plans for targets whose operand rule is `anywhere`"
    if objective == "peak":
        return "its plans copy more than objective `peak` allows"
    return ""


def outcome_of(problem: Problem, solver: str, objective: Objective, plan: Plan) -> Outcome:
    """The plan with its value and the simple bound."""
    value = objective_value(problem, plan, objective)
    least = bound(problem, objective)
    status: Status = "optimal" if value <= least else "feasible"
    if value < least and math.isclose(value, least, rel_tol=1e-9):
        least = value  # sums of the same seconds in another sequence
    return Outcome(problem.name, solver, status, objective, plan, value, least)
