"""Other seconds for the operators of a problem that came out of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from cosmalloc.cost_model.operators import Costed, by_roofline
from cosmalloc.errors import InputError
from cosmalloc.problem import Problem

if TYPE_CHECKING:
    from cosmalloc.cost_model.prediction import Predictor
    from cosmalloc.passes.grouping import Way


def recosted(problem: Problem, cost: str | None, kernels: str | Path | None = None) -> Costed:
    """The problem with the seconds that `cost` says.

    cost: None: the problem's own; `roofline`: the target's rates, where it has any; else a learned
        model, which needs `kernels`: the model that the problem was made from.
    Raises InputError.
    """
    if kernels is not None and cost in (None, "roofline"):
        raise InputError(
            "`--kernels` was given, and no cost model that reads kernels",
            "add `--cost learned:cpu`",
        )
    if cost is None:
        return Costed(problem, "problem")
    if cost == "roofline":
        return Costed(by_roofline(problem))
    from cosmalloc.cost_model.choose import predictor_named

    predictor = predictor_named(cost)
    if kernels is None:
        raise InputError(
            f"`{cost}` predicts kernels, and a problem's file holds none",
            "say what the problem was made from: `--kernels MODEL`",
        )
    return _of_kernels(problem, kernels, predictor)


def _of_kernels(problem: Problem, model: str | Path, predictor: Predictor) -> Costed:
    """Operators are formed by one way after the other until one gives the problem's."""
    from cosmalloc.map_model import costed_problem_of
    from cosmalloc.passes.grouping import Way

    first = ""
    ways: tuple[Way, ...] = get_args(Way)
    for way in ways:
        made = costed_problem_of(
            model, target=problem.target, group=way, cost=predictor, trip_count=1
        )
        odd = difference(problem, made.problem)
        if not odd:
            return Costed(_with_seconds_of(problem, made.problem), made.cost, made.outside)
        first = first or odd
    raise InputError(
        f"{model} is not what problem `{problem.name}` was made from: {first}",
        "give the model that `map --problem` read",
    )


def difference(given: Problem, made: Problem) -> str:
    """How the operators of two problems differ first; empty where they don't."""
    if len(given.operators) != len(made.operators):
        return (
            f"the problem has {len(given.operators):,} operators, the model's"
            f" kernels are {len(made.operators):,}"
        )
    for index, (one, two) in enumerate(zip(given.operators, made.operators, strict=True)):
        if one.kind != two.kind:
            return f"operator {index} is a `{one.kind}`, the model's kernel a `{two.kind}`"
        if (one.inputs, one.outputs) != (two.inputs, two.outputs):
            return f"operator {index} (`{one.name}`) has other operands than the model's kernel"
    return ""


def _with_seconds_of(problem: Problem, made: Problem) -> Problem:
    import numpy as np

    from cosmalloc.cost_model.operators import with_seconds

    return with_seconds(
        problem, np.array([operator.compute_seconds for operator in made.operators], float)
    )
