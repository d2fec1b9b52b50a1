"""`inline`: every call and composite becomes its callee's operations; kernels stay calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from jaxlib.mlir import ir
from jaxlib.mlir._mlir_libs import _jax_mlir_ext

from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.rules import where

KERNEL = "mem.kernel"  # marks the functions that `group-operators` made
_CALLEE = {"func.call": "callee", "stablehlo.composite": "decomposition"}


@dataclass(frozen=True)
class Inline(ModulePass):
    """Inline calls everywhere, regions of loops included, and drop functions nobody calls."""

    argument: ClassVar[str] = "inline"

    def run(self, module: ir.Operation) -> None:
        functions = context.functions(module)
        done: set[str] = set()
        for name in functions:
            _inline_into(name, functions, done, ())
        main = context.symbol(context.entry(module))
        kept = {main} | set(kernels(module))
        for name, function in functions.items():
            if name not in kept:
                function.erase()


def kernels(module: ir.Operation) -> dict[str, ir.Operation]:
    """The kernel functions of a grouped module by name."""
    return {n: f for n, f in context.functions(module).items() if KERNEL in f.attributes}


def callee(call: ir.Operation) -> str:
    """The function that a `func.call` or `stablehlo.composite` names."""
    return ir.FlatSymbolRefAttr(call.attributes[_CALLEE[call.name]]).value


def _inline_into(
    name: str, functions: dict[str, ir.Operation], done: set[str], path: tuple[str, ...]
) -> None:
    """Inline callees first, so that a call is replaced by code that holds no calls."""
    if name in done:
        return
    if name in path:
        raise InputError(f"function `{name}` calls itself: {' -> '.join((*path, name))}")
    for call in list(_calls(functions[name])):
        target = callee(call)
        if target not in functions:
            raise InputError(f"{where(call)} calls `{target}`, which does not exist")
        if KERNEL in functions[target].attributes:
            continue
        _inline_into(target, functions, done, (*path, name))
        with ir.InsertionPoint(call):
            results = _jax_mlir_ext.inlined_func_call(
                functions[target], list(call.operands), call.location
            )
        for old, new in zip(call.results, results, strict=True):
            old.replace_all_uses_with(new)
        call.erase()
    done.add(name)


def _calls(operation: ir.Operation) -> Iterator[ir.Operation]:
    for region in operation.regions:
        for block in region.blocks:
            for op in block:
                if op.operation.name in _CALLEE:
                    yield op.operation
                elif op.operation.regions:
                    yield from _calls(op.operation)
