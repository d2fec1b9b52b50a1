"""Operations from text, for the tests of the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
from jaxlib.mlir import ir

from cosmalloc.passes.context import entry, parse


@dataclass(frozen=True)
class Program:
    """A module and its entry's operations; the module must outlive them."""

    module: ir.Module

    @property
    def main(self) -> ir.Operation:
        return entry(self.module.operation)

    def operations(self, name: str) -> list[ir.Operation]:
        block = self.main.regions[0].blocks[0]
        return [op.operation for op in block.operations if op.operation.name == name]

    def one(self, name: str) -> ir.Operation:
        (found,) = self.operations(name)
        return found


def body(arguments: str, lines: str, functions: str = "") -> Program:
    """`@main(arguments)` that runs `lines` and returns nothing."""
    text = f"func.func @main({arguments}) {{\n{lines}\nreturn\n}}\n{functions}"
    return Program(parse(text, "a test"))


def traced(f: Callable[..., object], *arguments: object) -> Program:
    """The StableHLO of a JAX function."""
    return Program(parse(jax.jit(f).lower(*arguments).as_text(), "a test"))
