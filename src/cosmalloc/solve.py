"""The solvers by name, and the one door to them: a plan leaves it verified or not at all."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

from cosmalloc.errors import InputError
from cosmalloc.history import Recorder
from cosmalloc.plan import OBJECTIVES, Configuration, Objective, Outcome
from cosmalloc.problem import Problem
from cosmalloc.verify import verify
from cosmalloc.version import version

Progress = Callable[
    [str, float], None
]  # what is going on, and the share of it that is done, 0 to 1


class Solver(Protocol):
    """A solver answers for the objective within about `seconds`; the same seed gives the same
    answer.
    """

    def __call__(
        self,
        problem: Problem,
        *,
        objective: Objective,
        seconds: float,
        seed: int,
        progress: Progress | None,
    ) -> Outcome: ...


SOLVERS: dict[str, str] = {  # name -> module:function
    "auto": "cosmalloc.auto:solve",
    "greedy": "cosmalloc.greedy:solve",
    "ilp": "cosmalloc.ilp:solve",
    "msa": "cosmalloc.latency.msa:solve",
    "rl": "cosmalloc.rl_agent.solver:solve",
    "search": "cosmalloc.latency.search:solve",
}


class FaultyPlanError(Exception):
    """A solver made a plan that the judge refuses: a bug of ours, never of the input."""


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    solver: str = "auto",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """The best outcome that `solver` finds. Raises InputError for an unknown solver or objective,
    FaultyPlanError for a plan that `verify` refuses."""
    if objective not in OBJECTIVES:
        raise InputError(f"there is no objective `{objective}`", f"use {', '.join(OBJECTIVES)}")
    if not seconds >= 0:
        raise InputError(f"a solver can't have {seconds} seconds", "give 0 or more")
    began = time.perf_counter()
    recorder = Recorder(lambda: time.perf_counter() - began, progress)
    outcome = solver_named(solver)(
        problem, objective=objective, seconds=seconds, seed=seed, progress=recorder
    )
    if outcome.plan is not None:
        faults = verify(problem, outcome.plan)
        if faults:
            raise FaultyPlanError(
                f"solver `{outcome.solver}` made a plan of `{problem.name}` with"
                f" {len(faults)} faults, the first: {faults[0]}"
            )
    asked = Configuration(version(), solver, objective, seconds, seed, problem.target.name)
    return replace(
        outcome,
        seconds=time.perf_counter() - began,
        configuration=asked,
        history=recorder.history(outcome),
    )


def solver_named(name: str) -> Solver:
    """The solver behind a name, imported now."""
    if name not in SOLVERS:
        raise InputError(f"there is no solver `{name}`", f"use {', '.join(sorted(SOLVERS))}")
    module, function = SOLVERS[name].split(":")
    return cast(Solver, getattr(importlib.import_module(module), function))
