"""A lowered module compiled by LLVM and run: the door to MLIR's execution engine."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.lower_memref_dma import DmaToCopies, Moment
from cosmalloc.passes.lower_memref_door import copies_as_loops, crossed, run_passes, upstream
from cosmalloc.passes.numpy_types import named_type

_TO_LLVM = (
    "func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,"
    "arith-expand,convert-math-to-llvm,convert-math-to-libm,convert-complex-to-llvm,"
    "convert-arith-to-llvm,convert-index-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,"
    "convert-cf-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts"
)
Array = npt.NDArray[Any]


def run_memref(
    module: ir.Module, arguments: Sequence[Any], *, at: Moment = "wait", outputs: int | None = None
) -> list[Array]:
    """What `main` of a module on memrefs writes, as LLVM compiles it for this machine.

    arguments: arrays for the first arguments of `main`. outputs: how many of its arguments, the
        last ones, are results [those without an array]. at: as of `DmaToCopies`.

    The buffers that `main` returns or takes have static shapes, row by row. Raises InputError.
    """
    upstream()
    own = context.clone(module)
    DmaToCopies(at)(own.operation)
    main = context.entry(own.operation)
    buffers = _buffers(main, arguments, outputs)
    main.attributes["llvm.emit_c_interface"] = ir.UnitAttr.get(own.context)
    with crossed(context.to_text(own)) as lowered:
        copies_as_loops(lowered)
        run_passes(lowered, _TO_LLVM)
        from torch_mlir.execution_engine import ExecutionEngine

        engine = ExecutionEngine(lowered, opt_level=2)
        try:
            entry = engine.lookup(context.symbol(main))
        except RuntimeError:
            raise InputError("LLVM can't link the program: it calls what is not there") from None
        descriptors = [_descriptor(buffer) for buffer in buffers]
        entry((ctypes.c_void_p * len(buffers))(*(ctypes.addressof(d) for d in descriptors)))
    return buffers[len(arguments) :]


def _buffers(main: ir.Operation, arguments: Sequence[Any], outputs: int | None) -> list[Array]:
    """A copy of each argument, zeros for each result. Raises InputError."""
    kinds = [ir.MemRefType(a.type) for a in main.regions[0].blocks[0].arguments]
    results = len(kinds) - len(arguments)
    if results < 0 or outputs not in (None, results):
        raise InputError(
            f"`main` takes {len(kinds)} buffers,"
            f" {len(arguments)} arguments and {outputs} results were given"
        )
    found = []
    for place, kind in enumerate(kinds):
        shape, dtype = tuple(kind.shape), named_type(str(kind.element_type))
        if place >= len(arguments):
            found.append(np.zeros(shape, dtype))
            continue
        given = np.array(arguments[place], order="C")
        if given.shape != shape or given.dtype.itemsize != dtype.itemsize:
            raise InputError(
                f"argument {place} is {given.dtype}{list(given.shape)}, `main` wants {kind}"
            )
        found.append(given)
    return found


def _descriptor(array: Array) -> Any:
    """MLIR's descriptor of a buffer, as a pointer to it."""
    rank = array.ndim
    fields: list[tuple[str, Any]] = [
        ("allocated", ctypes.c_void_p),
        ("aligned", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
    ]
    if rank:
        fields += [("sizes", ctypes.c_int64 * rank), ("strides", ctypes.c_int64 * rank)]
    kind = type("Descriptor", (ctypes.Structure,), {"_fields_": fields})
    address = array.ctypes.data
    numbers: list[Any] = [address, address, 0]
    if rank:
        steps = [stride // array.itemsize for stride in array.strides]
        numbers += [(ctypes.c_int64 * rank)(*array.shape), (ctypes.c_int64 * rank)(*steps)]
    return ctypes.pointer(kind(*numbers))
