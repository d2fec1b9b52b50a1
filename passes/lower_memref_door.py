"""The door to torch-mlir: MLIR's bufferisation, its loops and LLVM behind the extra `[mlir]`.

Modules cross as text: the two builds of MLIR know nothing of each other, their bytecode differs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from cosmalloc.errors import InputError


def upstream() -> Any:
    """The module `torch_mlir.ir`. Raises InputError where torch-mlir is not installed."""
    try:
        from torch_mlir import ir
    except ImportError as error:
        raise InputError(
            f"lowering to memref needs torch-mlir: {error}",
            'install the extra: `pip install "cosmalloc[mlir]"`',
        ) from None
    return ir


@contextlib.contextmanager
def crossed(text: str) -> Iterator[Any]:
    """A module in a context of torch-mlir's, entered. Raises InputError."""
    ir = upstream()
    with ir.Context() as context, ir.Location.unknown():
        try:
            module = ir.Module.parse(text, context)
        except (ir.MLIRError, ValueError) as error:
            raise InputError(f"torch-mlir can't read what jaxlib wrote: {_first(error)}") from None
        yield module


def run_passes(module: Any, pipeline: str) -> None:
    """MLIR's passes over a module of `crossed`. Raises InputError."""
    from torch_mlir.passmanager import PassManager

    ir = upstream()
    try:
        PassManager.parse(f"builtin.module({pipeline})", module.context).run(module.operation)
    except (ir.MLIRError, ValueError) as error:
        raise InputError(f"MLIR can't lower the kernels: {_first(error)}") from None


def copies_as_loops(module: Any) -> None:
    """`memref.copy` as `linalg.copy`: LLVM's lowering of strided ones calls a library."""
    from torch_mlir.dialects import linalg

    ir = upstream()
    found: list[Any] = []

    def visit(operation: Any) -> Any:
        if operation.name == "memref.copy":
            found.append(operation)
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    for operation in found:
        with ir.InsertionPoint(operation), operation.location:
            linalg.copy(operation.operands[0], outs=[operation.operands[1]])
        operation.erase()


def to_text(module: Any) -> str:
    """What crosses back."""
    return str(module.operation.get_asm(large_elements_limit=None))


def _first(error: Exception) -> str:
    """The line of MLIR's words that says what is wrong."""
    lines = str(error).splitlines()
    said = [line for line in lines if "error:" in line]
    return (said or lines or [""])[0][:300]
