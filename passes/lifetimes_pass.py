"""`lifetimes`: when each tensor is needed, written onto the operators in the order they stand in.

mem.operator, mem.step  on every operator: its index and its step, the same here
mem.lifetimes           on every operator, per result [start, stop): from the step that makes it
                        to behind the last that reads it; an output lives to the end
mem.name, mem.kind      on every argument of `main`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxlib.mlir import ir

from cosmalloc.lifetimes import lifetimes
from cosmalloc.passes import attributes as mem
from cosmalloc.passes import context
from cosmalloc.passes.mapping_options import MappingOptions
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.program import Program, argument_attributes, extract
from cosmalloc.passes.strip_memory import refuse_mapped


@dataclass(frozen=True)
class LifetimesPass(ModulePass, MappingOptions):
    """Options as of `map-memory`: they say which arguments are weights and what a tensor weighs."""

    argument: ClassVar[str] = "lifetimes"

    def run(self, module: ir.Operation) -> None:
        refuse_mapped(module)
        program = extract(module, self.machine(), self.reading(), "lifetimes")
        problem = program.problem
        steps = len(problem.operators)
        life = lifetimes(problem, range(steps))
        for index, handle in enumerate(program.operations):
            spans: list[int] = []
            for tensor in problem.operators[index].outputs:
                start, stop = life.span(tensor)
                is_output = problem.tensors[tensor].kind == "output"
                spans += [start, steps if is_output else stop]
            handle.attributes[mem.OPERATOR] = mem.integer(index)
            handle.attributes[mem.STEP] = mem.integer(index)
            handle.attributes[mem.LIFETIMES] = mem.integers(spans)
        _mark_arguments(program)


def _mark_arguments(program: Program) -> None:
    arguments = program.main.regions[0].blocks[0].arguments
    marked = []
    for value, old in zip(arguments, argument_attributes(program.main), strict=True):
        tensor = program.problem.tensors[program.tensors[value]]
        new = {mem.NAME: ir.StringAttr.get(tensor.name), mem.KIND: ir.StringAttr.get(tensor.kind)}
        marked.append(ir.DictAttr.get(old | new))
    program.main.attributes["arg_attrs"] = ir.ArrayAttr.get(marked)


def name_arguments(module: ir.Operation) -> None:
    """Write each argument's name onto it as `mem.name`: text without locations keeps it."""
    from cosmalloc.passes.program import argument_name

    main = context.entry(module)
    arguments = main.regions[0].blocks[0].arguments
    named = []
    for place, (value, old) in enumerate(zip(arguments, argument_attributes(main), strict=True)):
        name = ir.StringAttr.get(argument_name(value, old, place))
        named.append(ir.DictAttr.get(old | {mem.NAME: name}))
    main.attributes["arg_attrs"] = ir.ArrayAttr.get(named)
