"""The operators of a program with the seconds that a predictor gives them.

    compute_seconds[o] = max(0, seconds of o's kernel - launch)

since operators inside one executable pay no launch of their own. Kernels unlike what the model
learned from have the seconds of its roofline, and ones that it can't read (nan) none: the target's
rates count. `Costed.outside` says which.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosmalloc.problem import Problem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cosmalloc.cost_model.prediction import Prediction, Predictor
    from cosmalloc.passes.program import Program


@dataclass(frozen=True)
class Costed:
    """A problem and where the seconds of its N operators come from.

    cost: name of the predictor. outside: operators whose kernels it does not know.
    """

    problem: Problem
    cost: str = "roofline"
    outside: tuple[int, ...] = ()


def costed(program: Program, predictor: Predictor) -> Costed:
    """The problem of a program, its operators with predicted seconds. Raises InputError."""
    import numpy as np

    found = predicted(program, predictor)
    seconds = without_launch(found.seconds, predictor.launch_seconds)
    outside = tuple(int(index) for index in np.flatnonzero(~found.inside))
    return Costed(with_seconds(program.problem, seconds), predictor.name, outside)


def predicted(program: Program, predictor: Predictor) -> Prediction:
    """What the predictor says about each operator's kernel, in source order."""
    from cosmalloc.cost_model.cached import Cached
    from cosmalloc.cost_model.kernel import operator_kernels

    return Cached(predictor).predict(operator_kernels(program))


def without_launch(
    seconds: npt.NDArray[np.float64], launch_seconds: float
) -> npt.NDArray[np.float64]:
    """What is left of kernels' seconds inside one executable."""
    import numpy as np

    return np.maximum(0.0, seconds - launch_seconds)


def with_seconds(problem: Problem, seconds: npt.NDArray[np.float64]) -> Problem:
    """The problem with these compute_seconds, one per operator; nan: none."""
    operators = tuple(
        dataclasses.replace(operator, compute_seconds=None if each != each else float(each))
        for operator, each in zip(problem.operators, seconds, strict=True)
    )
    return dataclasses.replace(problem, operators=operators)


def by_roofline(problem: Problem) -> Problem:
    """The problem without the compute_seconds that flops and the target's rate can say."""
    if problem.target.flops_per_second is None:
        return problem
    operators = tuple(
        operator if operator.flops is None else dataclasses.replace(operator, compute_seconds=None)
        for operator in problem.operators
    )
    return dataclasses.replace(problem, operators=operators)
