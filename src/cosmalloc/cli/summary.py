"""A plan in a few numbers, for people and for machines."""

from __future__ import annotations

from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.sizes import format_bytes
from cosmalloc.traffic import peak, traffic


def summary(problem: Problem, outcome: Outcome) -> dict[str, Any]:
    """Numbers of an outcome: bytes and seconds; None where there is no plan."""
    found: dict[str, Any] = {
        "problem": problem.name,
        "target": problem.target.name,
        "operand_rule": problem.target.operand_rule,
        "scratchpad_bytes": problem.target.scratchpad_bytes,
        "operators": len(problem.operators),
        "tensors": len(problem.tensors),
        "tracked_tensors": sum(tensor.tracked for tensor in problem.tensors),
        "solver": outcome.solver,
        "status": outcome.status,
        "objective": {
            "kind": outcome.objective,
            "value": outcome.value,
            "bound": outcome.bound,
        },
        "solver_seconds": outcome.seconds,
    }
    if outcome.plan is None:
        return found | {
            "reason": outcome.reason,
            "smallest_scratchpad": outcome.smallest_scratchpad,
        }
    moved = traffic(problem, outcome.plan)
    return found | {
        "residencies": len(outcome.plan.residencies),
        "transfers": len(outcome.plan.transfers),
        "peak_bytes": peak(problem, outcome.plan),
        "compulsory_bytes": moved.compulsory,
        "non_compulsory_bytes": moved.non_compulsory,
        "latency_seconds": latency(problem, outcome),
    }


def latency(problem: Problem, outcome: Outcome) -> float | None:
    """Seconds of the plan's timeline; None where the problem does not say what operators take."""
    assert outcome.plan is not None
    try:
        return simulate(problem, outcome.plan).latency
    except InputError:
        return None


def facts(numbers: dict[str, Any]) -> dict[str, str]:
    """The same in words."""
    rule, size = numbers["operand_rule"], format_bytes(numbers["scratchpad_bytes"])
    found = {
        "program": f"{numbers['operators']} operators, {numbers['tensors']} tensors"
        f" ({numbers['tracked_tensors']} planned)",
        "target": f"{numbers['target']}, scratchpad {size}, operands {rule}",
        "status": f"{numbers['status']} by {numbers['solver']}"
        f" in {numbers['solver_seconds']:.2f} s",
    }
    if "reason" in numbers:
        return found | {"reason": numbers["reason"]}
    seconds = numbers["latency_seconds"]
    found |= {
        "on chip": f"{numbers['residencies']} residencies,"
        f" peak {format_bytes(numbers['peak_bytes'])}",
        "copies": f"{numbers['transfers']} transfers",
        "traffic": f"{format_bytes(numbers['non_compulsory_bytes'])} beyond the compulsory"
        f" {format_bytes(numbers['compulsory_bytes'])}",
        "latency": "unknown: operators without seconds" if seconds is None else time_words(seconds),
    }
    bound, value = numbers["objective"]["bound"], numbers["objective"]["value"]
    kind = numbers["objective"]["kind"]
    show = time_words if kind == "latency" else lambda count: format_bytes(int(count))
    proven = "nothing proven" if bound is None else f"no plan is below {show(bound)}"
    return found | {"objective": f"{kind} {show(value)} ({proven})"}


def time_words(seconds: float) -> str:
    """Seconds in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3f} {unit}"
    return f"{seconds * 1e9:.1f} ns"
