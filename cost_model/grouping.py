"""Which neighbours to fuse, by the seconds that a predictor gives the kernels.

Every kernel's seconds include its launch: what is predicted is kernels that are called one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jaxlib.mlir import ir

from cosmalloc.cost_model.kernel import kernel_text
from cosmalloc.passes import context
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_operators import form_kernels, kernel_function
from cosmalloc.passes.group_search import Price
from cosmalloc.passes.grouping import Group, Grouping, group_by_price
from cosmalloc.passes.rules import Rules
from cosmalloc.passes.strip_memory import refuse_mapped

if TYPE_CHECKING:
    from cosmalloc.cost_model.prediction import Predictor


def group_by(flow: Dataflow, rules: Rules, predictor: Predictor) -> Grouping:
    """Groups of a block, merged as long as the predictor says that it gains. Raises InputError."""
    return group_by_price(flow, rules, prices_by(flow, predictor))


def prices_by(flow: Dataflow, predictor: Predictor) -> Callable[[Sequence[Group]], list[Price]]:
    """What groups of a block cost, by a predictor; one that tells no spread gets one assumed."""

    def prices(groups: Sequence[Group]) -> list[Price]:
        if not groups:
            return []
        found = predictor.predict([group_text(flow, group) for group in groups])
        return [Price(float(s), float(d)) for s, d in zip(found.seconds, found.spread, strict=True)]

    return prices


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
