"""The two files that outside tools read and write: problem.json and plan.json, docs/format.md."""

from cosmalloc.plan_json import outcome_from_json, outcome_to_json, read_outcome, write_outcome
from cosmalloc.problem_json import (
    problem_digest,
    problem_from_json,
    problem_to_json,
    read_problem,
    write_problem,
)

__all__ = [
    "outcome_from_json",
    "outcome_to_json",
    "problem_digest",
    "problem_from_json",
    "problem_to_json",
    "read_outcome",
    "read_problem",
    "write_outcome",
    "write_problem",
]
