"""What the compiler knows of a program, as a problem; and what it decided, as a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cosmalloc.passes.xla_flow import Step, flow
from cosmalloc.passes.xla_problem import StepCost, XlaProgram, xla_program
from cosmalloc.passes.xla_text import parse_hlo
from cosmalloc.problem import Problem, Tensor
from cosmalloc.target import Target
from cosmalloc.tpu.compile import Compiled
from cosmalloc.tpu.log import Log, Measured, read_log

UNROLLED = 4_000  # steps of a loop


def extract_program(
    compiled: Compiled, target: Target, name: str, *, merge_views: bool = True, once: bool = False
) -> XlaProgram:
    """The problem that the compiler's memory space assignment solved, in the order that it has.

    once: every loop runs for one trip, as in the compiler's own simulation. InputError.
    """
    log = read_log(compiled.log)
    module = parse_hlo(compiled.before, "the compiler's program")
    followed = flow(module, 0 if once else UNROLLED)
    if once:
        single = tuple(replace(step, trips=1) for step in followed.steps)
        followed = replace(followed, steps=single)
    found = xla_program(followed, logged_cost(log), target, name, merge_views=merge_views)
    return replace(found, problem=in_one_order(found.problem))


def in_one_order(problem: Problem) -> Problem:
    """The problem with its source order as the only one: the compiler's schedule can't be told.

    Every operator hands the next one a tensor of one byte that is not planned and never accessed.
    """
    tensors, operators = list(problem.tensors), list(problem.operators)
    for step in range(1, len(operators)):
        first, then, link = operators[step - 1], operators[step], len(tensors)
        tensors.append(Tensor(f"order.{step}", 1, tracked=False))
        operators[step - 1] = replace(
            first,
            outputs=(*first.outputs, link),
            output_bytes_accessed=(*first.output_bytes_accessed, 0),
        )
        operators[step] = replace(
            then,
            inputs=(*then.inputs, link),
            input_bytes_accessed=(*then.input_bytes_accessed, 0),
        )
    return replace(problem, tensors=tuple(tensors), operators=tuple(operators))


def logged_cost(log: Log) -> Callable[[Step], StepCost]:
    """Costs as the compiler logged them; what it never asked for takes no time."""
    none = Measured()
    costs: Mapping[str, Measured] = log.costs

    def cost(step: Step) -> StepCost:
        found = costs.get(step.instruction.name, none)
        return StepCost(found.compute, None, found.accessed, found.operands, found.results)

    return cost
