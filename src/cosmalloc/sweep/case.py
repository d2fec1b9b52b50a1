"""One case of a sweep, its row, and the key under which the row is kept.

key = sha256 of problem (scratchpad included), solver, objective, seconds, seed, version
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.json_text import canonical
from cosmalloc.plan import Objective
from cosmalloc.problem import Problem
from cosmalloc.problem_json import problem_digest
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.traffic import peak, traffic
from cosmalloc.version import fingerprint, version


@dataclass(frozen=True, slots=True)
class Case:
    """problem: on a machine of any size; scratchpad: the size asked about, in bytes.
    seconds: given to the solver."""

    problem: Problem
    scratchpad: int
    solver: str = "auto"
    objective: Objective = "traffic"
    seconds: float = 10.0
    seed: int = 0

    def sized(self) -> Problem:
        """The problem on a machine of the size asked about."""
        target = replace(self.problem.target, scratchpad_bytes=self.scratchpad)
        return replace(self.problem, target=target)

    def key(self) -> str:
        """64 hexadecimal digits: another for anything that could change the row's numbers."""
        asked = {
            "problem": problem_digest(self.sized()),
            "solver": self.solver,
            "objective": self.objective,
            "seconds": repr(self.seconds),
            "seed": self.seed,
            "version": version(),
            "code": fingerprint(),
        }
        return hashlib.sha256(canonical(asked)).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """What one case gave. All bytes or seconds; None where there is no plan, or nothing is known.

    traffic: non-compulsory. value, bound: of the objective. smallest_scratchpad: would do, where
    there is no plan. given_seconds: of the solver. seconds: it took; no part of the answer.
    """

    key: str
    model: str
    target: str
    operand_rule: str
    scratchpad: int
    solver: str
    objective: str
    given_seconds: float
    seed: int
    version: str
    status: str
    traffic: int | None = None
    compulsory: int | None = None
    latency: float | None = None
    peak: int | None = None
    value: float | None = None
    bound: float | None = None
    smallest_scratchpad: int | None = None
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values by column."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Row:
        """The inverse. Raises InputError for a row of another shape."""
        if set(entry) != {each.name for each in fields(cls)}:
            raise InputError("a row of a sweep has other columns")
        return cls(**entry)


def measure(case: Case, key: str) -> Row:
    """Solves the case. The plan has passed `verify` before it is measured."""
    problem = case.sized()
    outcome = solve(
        problem,
        objective=case.objective,
        solver=case.solver,
        seconds=case.seconds,
        seed=case.seed,
    )
    row = Row(
        key,
        problem.name,
        problem.target.name,
        problem.target.operand_rule,
        case.scratchpad,
        case.solver,
        case.objective,
        case.seconds,
        case.seed,
        version(),
        outcome.status,
        value=outcome.value,
        bound=outcome.bound,
        smallest_scratchpad=outcome.smallest_scratchpad,
        reason=outcome.reason,
        seconds=outcome.seconds,
    )
    if outcome.plan is None:
        return row
    moved = traffic(problem, outcome.plan)
    try:
        latency = simulate(problem, outcome.plan).latency
    except InputError:  # operators without seconds
        latency = None
    return replace(
        row,
        traffic=moved.non_compulsory,
        compulsory=moved.compulsory,
        latency=latency,
        peak=peak(problem, outcome.plan),
    )
