"""A model's operators and what a predictor says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosmalloc.cost_model.grouping import group_module
from cosmalloc.cost_model.kernel import PREPARATION
from cosmalloc.cost_model.operators import predicted
from cosmalloc.passes import GroupOperators, Pipeline, Reading, extract, read_model
from cosmalloc.target_file import load_target

if TYPE_CHECKING:
    from cosmalloc.cost_model.prediction import Prediction, Predictor
    from cosmalloc.passes.doors import Opening
    from cosmalloc.passes.grouping import Way


def predict_model(
    model: Any, group: Way, predictor: Predictor, opening: Opening | None = None
) -> tuple[list[str], Prediction]:
    """Names of the operators in source order, and a row for each. Raises InputError."""
    module, name = read_model(model, None, opening)
    Pipeline.parse(PREPARATION).run(module)
    if group == "learned":
        group_module(module, predictor)
    else:
        Pipeline((GroupOperators(group),)).run(module)
    with module.context, module.operation.location:
        program = extract(module.operation, load_target("npu-2mib"), Reading(), name)
        found = predicted(program, predictor)
    return [operator.name for operator in program.problem.operators], found
