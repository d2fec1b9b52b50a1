"""plan.json: an outcome as a file that outside tools read and write. See docs/format.md."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from cosmalloc.errors import InputError
from cosmalloc.fields import (
    built,
    choice,
    integer,
    integers,
    mapping,
    member,
    number,
    objects,
    sequence,
    text,
)
from cosmalloc.files import read_text, write_whole
from cosmalloc.json_text import check_format, from_text, to_text
from cosmalloc.plan import (
    OBJECTIVES,
    STATUSES,
    Configuration,
    Moment,
    Objective,
    Outcome,
    Plan,
    Residency,
    Status,
    Transfer,
    TransferKind,
)
from cosmalloc.problem import Problem
from cosmalloc.problem_json import problem_digest
from cosmalloc.version import version

FORMAT = "cosmalloc.plan/1"


def outcome_to_json(outcome: Outcome, problem: Problem) -> dict[str, Any]:
    """Plain values, keys in the order of docs/format.md; without a plan its lists are empty."""
    plan = outcome.plan or Plan(())
    return {
        "format": FORMAT,
        "version": version(),
        "problem": outcome.problem,
        "problem_digest": problem_digest(problem),
        "solver": outcome.solver,
        "status": outcome.status,
        "objective": {
            "kind": outcome.objective,
            "value": _finite(outcome.value),
            "bound": _finite(outcome.bound),
        },
        "seconds": outcome.seconds,
        "configuration": _configuration_to_json(outcome.configuration),
        "reason": outcome.reason,
        "smallest_scratchpad": outcome.smallest_scratchpad,
        "history": [
            {"seconds": m.seconds, "value": _finite(m.value), "bound": _finite(m.bound)}
            for m in outcome.history
        ],
        "order": list(plan.order),
        "residencies": [
            {"tensor": r.tensor, "offset": r.offset, "start": r.start, "stop": r.stop}
            for r in plan.residencies
        ],
        "transfers": [
            {"tensor": t.tensor, "kind": t.kind, "start": t.start, "stop": t.stop}
            for t in plan.transfers
        ],
    }


def outcome_from_json(entry: Mapping[str, Any], problem: Problem, place: str = "plan") -> Outcome:
    """The outcome in `entry`, an answer to `problem`; unknown keys are ignored.

    InputError names `place`, also where the plan answers another problem. Whether it is legal is
    for `verify` to say.
    """
    check_format(entry, FORMAT, place)
    top = f"{place}: "
    _check_problem(entry, problem, place)
    status = cast(Status, choice(entry, "status", top, STATUSES))
    goal_place = f"{top}objective"
    goal = mapping(member(entry, "objective", top), goal_place)
    promised = status in ("optimal", "feasible")
    smallest = entry.get("smallest_scratchpad")
    return built(
        place,
        Outcome,
        problem=text(entry, "problem", top),
        solver=text(entry, "solver", top),
        status=status,
        objective=cast(Objective, choice(goal, "kind", goal_place, OBJECTIVES)),
        plan=_plan(entry, top, promised),
        value=_value(goal, goal_place, promised),
        bound=_number_or_none(goal, "bound", goal_place),
        seconds=_number_or_none(entry, "seconds", top) or 0.0,
        reason=text(entry, "reason", top, default=""),
        smallest_scratchpad=None
        if smallest is None
        else integer(entry, "smallest_scratchpad", top),
        configuration=_configuration(entry, top),
        history=_history(entry, top),
    )


def read_outcome(path: str | Path, problem: Problem) -> Outcome:
    """The outcome in a file, an answer to `problem`. InputError."""
    return outcome_from_json(from_text(read_text(path), str(path)), problem, str(path))


def write_outcome(path: str | Path, outcome: Outcome, problem: Problem) -> None:
    """The whole file or none. InputError if it can't be written."""
    write_whole(path, outcome_text(outcome, problem))


def outcome_text(outcome: Outcome, problem: Problem) -> str:
    """The content of a plan.json."""
    return to_text(outcome_to_json(outcome, problem))


def _check_problem(entry: Mapping[str, Any], problem: Problem, place: str) -> None:
    name = text(entry, "problem", f"{place}: ")
    hint = "verify it against the problem it was made for"
    if name != problem.name:
        raise InputError(f"{place} is a plan for `{name}`, the problem is `{problem.name}`", hint)
    digest = text(entry, "problem_digest", f"{place}: ", default="")
    mine = problem_digest(problem) if digest else ""
    if digest != mine:
        raise InputError(
            f"{place} is a plan for another `{name}`: its problem has digest {digest[:12]}…,"
            f" this one {mine[:12]}…",
            hint,
        )


def _plan(entry: Mapping[str, Any], top: str, promised: bool) -> Plan | None:
    lists = ("order", "residencies", "transfers")
    if not promised:
        for key in lists:
            if entry.get(key) and sequence(entry, key, top):
                raise InputError(f"{top}{key} is not empty, but the status promises no plan")
        return None
    return Plan(
        integers(entry, "order", top),
        tuple(_residency(value, place) for place, value in objects(entry, "residencies", top)),
        tuple(_transfer(value, place) for place, value in objects(entry, "transfers", top)),
    )


def _configuration_to_json(asked: Configuration | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    return dataclasses.asdict(asked) | {"seconds": _finite(asked.seconds)}


def _configuration(entry: Mapping[str, Any], top: str) -> Configuration | None:
    if entry.get("configuration") is None:
        return None
    place = f"{top}configuration"
    asked = mapping(entry["configuration"], place)
    seconds = _number_or_none(asked, "seconds", place)
    return Configuration(
        version=text(asked, "version", place),
        solver=text(asked, "solver", place),
        objective=cast(Objective, choice(asked, "objective", place, OBJECTIVES)),
        seconds=math.inf if seconds is None else seconds,
        seed=integer(asked, "seed", place),
        target=text(asked, "target", place),
    )


def _history(entry: Mapping[str, Any], top: str) -> tuple[Moment, ...]:
    if entry.get("history") is None:
        return ()
    return tuple(
        Moment(
            number(value, "seconds", place),
            _number_or_none(value, "value", place),
            _number_or_none(value, "bound", place),
        )
        for place, value in objects(entry, "history", top)
    )


def _value(goal: Mapping[str, Any], place: str, promised: bool) -> float | None:
    value = _number_or_none(goal, "value", place)
    if promised and value is None:
        raise InputError(f"{place}.value is null, but the status promises a plan")
    if not promised and value is not None:
        raise InputError(f"{place}.value is {value}, but the status promises no plan")
    return value


def _residency(entry: Mapping[str, Any], place: str) -> Residency:
    keys = ("tensor", "offset", "start", "stop")
    return built(place, Residency, *(integer(entry, key, place) for key in keys))


def _transfer(entry: Mapping[str, Any], place: str) -> Transfer:
    return built(
        place,
        Transfer,
        integer(entry, "tensor", place),
        cast(TransferKind, choice(entry, "kind", place, ("load", "store"))),
        integer(entry, "start", place),
        integer(entry, "stop", place),
    )


def _number_or_none(entry: Mapping[str, Any], key: str, place: str) -> float | None:
    return None if entry.get(key) is None else number(entry, key, place)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
