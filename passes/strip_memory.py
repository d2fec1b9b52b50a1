"""`strip-memory`: a mapped module for consumers that plan their own memory.

Transfers and `mem.*` attributes go; the operators stay in the plan's order, and so do the kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import attributes as mem
from cosmalloc.passes.inline import KERNEL
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.rules.location import place
from cosmalloc.passes.walk import operations


@dataclass(frozen=True)
class StripMemory(ModulePass):
    """Undo everything that mapping wrote, but for the order and the argument names."""

    argument: ClassVar[str] = "strip-memory"

    def run(self, module: ir.Operation) -> None:
        for operation in list(operations(module)):
            if is_transfer(operation):
                operation.results[0].replace_all_uses_with(operation.operands[0])
                operation.erase()
                continue
            for name in [item for item in operation.attributes if item.startswith("mem.")]:
                if name not in (KERNEL, mem.OPAQUE):
                    del operation.attributes[name]


def refuse_mapped(module: ir.Operation) -> None:
    """Raises InputError where a plan stands on the module already."""
    if mem.FORMAT in module.attributes or any(map(is_transfer, operations(module))):
        raise InputError(
            "the module is mapped already: a plan stands on its operators",
            "take it out first: `cosmalloc opt FILE --passes strip-memory -o OUT`",
        )


def is_transfer(operation: ir.Operation) -> bool:
    """Whether it is a `@mem.load` or `@mem.store`. Raises InputError where it copies no value."""
    if operation.name != "stablehlo.custom_call":
        return False
    target = ir.StringAttr(operation.attributes["call_target_name"]).value
    if target not in (mem.LOAD, mem.STORE):
        return False
    if [v.type for v in operation.operands] != [v.type for v in operation.results] or len(
        operation.results
    ) != 1:
        raise InputError(f"`@{target}` at {place(operation)} does not copy one value of one type")
    return True
