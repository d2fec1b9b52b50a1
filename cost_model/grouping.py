"""Which neighbours to fuse, by the seconds that a predictor gives the kernels.

Every kernel's seconds include its launch: what is predicted is kernels that are called one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxlib.mlir import ir

from cosmalloc.cost_model.kernel import kernel_text
from cosmalloc.passes import context
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_operators import form_kernels, kernel_function
from cosmalloc.passes.grouping import Group, Grouping, group_by_seconds
from cosmalloc.passes.rules import Rules
from cosmalloc.passes.strip_memory import refuse_mapped

if TYPE_CHECKING:
    from cosmalloc.cost_model.prediction import Predictor


def group_by(flow: Dataflow, rules: Rules, predictor: Predictor) -> Grouping:
    """Groups of a block, merged as long as the predictor says that it gains. Raises InputError."""

    def seconds(groups: Sequence[Group]) -> list[float]:
        if not groups:
            return []
        found = predictor.predict([group_text(flow, group) for group in groups])
        return [float(each) for each in found.seconds]

    return group_by_seconds(flow, rules, seconds)


def group_module(module: ir.Module, predictor: Predictor) -> None:
    """What `group-operators{policy=learned}` does, with any predictor. Raises InputError."""
    refuse_mapped(module.operation)
    with module.context, module.operation.location:
        rules = Rules()
        main = context.entry(module.operation)
        flow = dataflow(main.regions[0].blocks[0], rules)
        form_kernels(module.operation, flow, group_by(flow, rules, predictor))


def group_text(flow: Dataflow, group: Group) -> str:
    """The kernel that a group would become."""
    module = ir.Module.create()
    function = kernel_function(flow, group, ir.InsertionPoint(module.body))
    return kernel_text(function)
