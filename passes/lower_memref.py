"""`lower-to-memref`: a mapped module as buffers: one arena, views, copies by DMA, kernels as loops.

`main` takes its arguments and then its results as memrefs. What `main` was made of is gone, and so
is the plan, but for where everything lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxlib.mlir import ir

from cosmalloc.emit.walk import walk
from cosmalloc.errors import InputError
from cosmalloc.passes import attributes as mem
from cosmalloc.passes import context
from cosmalloc.passes.inline import KERNEL
from cosmalloc.passes.insert_transfers import legal_plan
from cosmalloc.passes.lower_memref_kernels import lower_kernels
from cosmalloc.passes.lower_memref_main import Main
from cosmalloc.passes.nested import inside
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.plan_in import read_program
from cosmalloc.passes.program import Program, argument_attributes
from cosmalloc.plan import Plan


@dataclass(frozen=True)
class LowerToMemref(ModulePass):
    """memory_space: of the arena, from 1; everything else lies in the default one."""

    argument: ClassVar[str] = "lower-to-memref"
    memory_space: int = 1

    def run(self, module: ir.Operation) -> None:
        if self.memory_space < 1:
            raise InputError(
                f"`memory-space` is {self.memory_space}", "DMA needs two spaces: use 1 or more"
            )
        mapped = read_program(module)
        lower_to_memref(mapped.program, legal_plan(mapped), self.memory_space)


def lower_to_memref(program: Program, plan: Plan, space: int = 1) -> None:
    """The same for any plan of `program`, legal or not. Must run inside the module's context."""
    module = program.module
    main = Main(program, walk(program.problem, plan), space)
    text = main.text()
    kernels = lower_kernels(program, list(main.used))
    new = ir.Module.parse(text, module.context)
    _dress(program, context.entry(new.operation))
    for operation in [op.operation for op in new.body]:
        if operation.name == "func.func" and not operation.regions[0].blocks:
            operation.erase()
    block = module.regions[0].blocks[0]
    for operation in [op.operation for op in block]:
        operation.erase()
    parsed = [ir.Module.parse(each, module.context) for each in kernels]
    for number, each in enumerate(parsed):
        _rename_globals(each, number)
        for operation in [op.operation for op in each.body]:
            if operation.name == "func.func":
                operation.attributes["sym_visibility"] = ir.StringAttr.get("private")
            block.append(operation)
    for operation in [op.operation for op in new.body]:
        block.append(operation)
    for name in [item for item in module.attributes if item.startswith("mem.")]:
        del module.attributes[name]
    sizes = {"arena_bytes": main.todo.arena_bytes, "heap_bytes": main.todo.heap.bytes}
    module.attributes[mem.MEMREF] = mem.dictionary(sizes)


def _dress(program: Program, main: ir.Operation) -> None:
    """The arguments keep their names."""
    count = len(main.regions[0].blocks[0].arguments)
    names = [
        ir.DictAttr.get({key: each[key] for key in (mem.NAME, mem.KIND) if key in each})
        for each in argument_attributes(program.main)
    ]
    blank = [ir.DictAttr.get({})] * (count - len(names))
    main.attributes["arg_attrs"] = ir.ArrayAttr.get([*names, *blank])


def _rename_globals(module: ir.Module, number: int) -> None:
    """Symbols of constants that no other module of kernels has."""
    for operation in inside(module.operation):
        if operation.name == "memref.global":
            old = ir.StringAttr(operation.attributes["sym_name"]).value
            operation.attributes["sym_name"] = ir.StringAttr.get(f"kernels{number}{old}")
        elif operation.name == "memref.get_global":
            symbol = ir.FlatSymbolRefAttr(operation.attributes["name"]).value
            operation.attributes["name"] = ir.FlatSymbolRefAttr.get(f"kernels{number}{symbol}")
        elif operation.name == "func.func" and KERNEL in operation.attributes:
            del operation.attributes[KERNEL]
