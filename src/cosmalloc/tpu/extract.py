"""What the compiler knows of a program, as a problem; and what it decided, as a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cosmalloc.passes.xla_flow import Step, flow
from cosmalloc.passes.xla_problem import StepCost, XlaProgram, xla_program
from cosmalloc.passes.xla_text import parse_hlo
from cosmalloc.target import Target
from cosmalloc.tpu.compile import Compiled
from cosmalloc.tpu.log import Log, Measured, read_log

UNROLLED = 4_000  # steps of a loop


def extract_program(
    compiled: Compiled, target: Target, name: str, *, merge_views: bool = True
) -> XlaProgram:
    """The problem that the compiler's memory space assignment solved. InputError."""
    log = read_log(compiled.log)
    followed = flow(parse_hlo(compiled.before, "the compiler's program"), UNROLLED)
    return xla_program(followed, logged_cost(log), target, name, merge_views=merge_views)


def logged_cost(log: Log) -> Callable[[Step], StepCost]:
    """Costs as the compiler logged them; what it never asked for takes no time."""
    none = Measured()
    costs: Mapping[str, Measured] = log.costs

    def cost(step: Step) -> StepCost:
        found = costs.get(step.instruction.name, none)
        return StepCost(found.compute, None, found.accessed, found.operands, found.results)

    return cost
