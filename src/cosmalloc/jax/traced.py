"""A JAX function as a problem and kernels that can be called: nothing of MLIR is left.

The function is exported for one platform and grouped by the passes; every kernel becomes an
exported function of its own, so that it can stand in a new trace, in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import jax
import numpy as np
import numpy.typing as npt
from jax import export
from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.jax.arguments import Signature, flat_function, shape_dtype
from cosmalloc.jax.barriers import BARRIER, split_barriers
from cosmalloc.jax.machine import HOST_LINK
from cosmalloc.passes import context
from cosmalloc.passes.grouping import Policy
from cosmalloc.passes.inline import callee
from cosmalloc.passes.kernels import Kernels
from cosmalloc.passes.numpy_types import numpy_type, shape_of
from cosmalloc.passes.pipeline import Pipeline
from cosmalloc.passes.program import Program, extract
from cosmalloc.passes.reading import Reading
from cosmalloc.problem import Problem

Call: TypeAlias = Callable[..., Sequence[Any]]  # arrays -> list of arrays


@dataclass(frozen=True)
class View:
    """A value made of others without a kernel: a reshape, mostly."""

    call: Call
    operands: tuple[Value, ...]


Value: TypeAlias = "int | View"  # a tensor's own value, or a view


@dataclass(frozen=True)
class Kernel:
    """call: arrays of the operands to a list of arrays, one per result.
    results: tensors; the problem's operator may make more, as workspace."""

    call: Call
    operands: tuple[Value, ...]
    results: tuple[int, ...]


@dataclass(frozen=True)
class Traced:
    """problem: every tensor tracked; tensors 0 to len(arguments) - 1 are the arguments' leaves.

    kernels: per operator. constants: tensor -> its array. returned: per leaf of the results.
    shapes: per leaf of the results (shape, dtype).
    """

    problem: Problem
    kernels: tuple[Kernel, ...]
    constants: dict[int, npt.NDArray[Any]]
    returned: tuple[Value, ...]
    shapes: tuple[Any, ...]


def trace(
    function: Callable[..., Any], signature: Signature, platform: str, group: Policy
) -> tuple[Traced, Any]:
    """The function on leaves, and its results' structure. InputError for what can't be mapped."""
    flat, seen = flat_function(function, signature)
    leaves = [leaf.abstract() for leaf in signature.leaves]
    jitted = jax.jit(flat, keep_unused=True)
    try:
        exported = export.export(jitted, platforms=[platform], disabled_checks=_CHECKS)(*leaves)
    except NotImplementedError as error:  # host callbacks, for one
        raise InputError(
            f"function `{flat.__name__}` can't be exported: {error}",
            "offload the part of the program without callbacks",
        ) from error
    module = context.parse(exported.mlir_module_serialized, f"function `{flat.__name__}`")
    Pipeline.parse("inline").run(module)
    with module.context, module.operation.location:
        split_barriers(module.operation)
    Pipeline.parse(f"canonicalize,cse,group-operators{{policy={group}}}").run(module)
    with module.context, module.operation.location:
        program = extract(module.operation, HOST_LINK, Reading(track="all"), flat.__name__)
        reader = _Reader(program, platform)
        kernels = tuple(map(reader.kernel, range(len(program.operations))))
        block = program.main.regions[0].blocks[0]
        last = block.operations[len(block.operations) - 1]
        returned = tuple(map(reader.value, last.operands))
        constants = dict(map(reader.constant, reader.constants))
    shapes = tuple(shape_dtype(a.shape, a.dtype) for a in exported.out_avals)
    problem = _named(program.problem, [leaf.name for leaf in signature.leaves])
    return Traced(problem, kernels, constants, returned, shapes), seen[0]


_CHECKS = [export.DisabledSafetyCheck.custom_call("*")]


def _named(problem: Problem, names: Sequence[str]) -> Problem:
    """Arguments under the names that the caller knows."""
    tensors = list(problem.tensors)
    for place, name in enumerate(names):
        tensors[place] = replace(tensors[place], name=name)
    return replace(problem, tensors=tuple(tensors))


class _Reader:
    """Values of `main` as tensors, views and calls."""

    def __init__(self, program: Program, platform: str) -> None:
        self.program, self.platform = program, platform
        self.kernels = Kernels(program)
        self.known: dict[str, Call] = {}
        operators = set(program.operations)
        block = [op.operation for op in program.main.regions[0].blocks[0]]
        self.views = set(block) - operators
        self.constants = [op for op in block if op.name == "stablehlo.constant"]

    def kernel(self, operator: int) -> Kernel:
        handle = self.program.operations[operator]
        operands = self.kernels.inputs(operator)
        key = callee(handle) if handle.name == "func.call" else f"%{operator}"
        if key not in self.known:
            self.known[key] = self._callable(
                self.kernels.bytecode(operator), operands, handle, f"kernel_{operator}"
            )
        results = tuple(self.program.tensors[value] for value in handle.results)
        return Kernel(self.known[key], tuple(map(self.value, operands)), results)

    def value(self, value: ir.Value[Any]) -> Value:
        """A value of `main`: a tensor, or how it is made of some."""
        maker = value.owner
        if isinstance(maker, ir.Block) or maker.name == "stablehlo.constant":
            return self.program.tensors[value]
        handle = maker.operation
        if handle not in self.views:
            return self.program.tensors[value]
        if handle.name == BARRIER:
            return self.value(handle.operands[0])
        if len(handle.results) > 1:
            raise InputError(f"`{handle.name}` views several values at once")
        operands = list(dict.fromkeys(handle.operands))
        call = self._callable(wrapped(handle), operands, handle, "view")
        return View(call, tuple(map(self.value, operands)))

    def constant(self, handle: ir.Operation) -> tuple[int, npt.NDArray[Any]]:
        value = handle.results[0]
        data = np.array(handle.attributes["value"])
        full = np.broadcast_to(data, shape_of(value.type)).astype(numpy_type(value.type))
        return self.program.tensors[value], full

    def _callable(
        self, bytecode: bytes, operands: Sequence[ir.Value[Any]], handle: ir.Operation, name: str
    ) -> Call:
        takes = [_abstract(value.type) for value in operands]
        makes = [_abstract(value.type) for value in handle.results]
        return exported_kernel(bytecode, takes, makes, name, self.platform)


def wrapped(handle: ir.Operation) -> bytes:
    """A module whose `main` is the one operation."""
    from cosmalloc.passes.kernels import wrap

    module = ir.Module.create()
    wrap(handle, module)
    return context.to_bytecode(module)


def _abstract(kind: ir.Type) -> Any:
    return shape_dtype(shape_of(kind), numpy_type(kind))


def exported_kernel(
    bytecode: bytes,
    takes: Sequence[Any],
    makes: Sequence[Any],
    name: str,
    platform: str,
) -> Call:
    """A module's `main` as a function that a JAX trace can call."""
    blank = _blank(tuple(map(_facts, takes)), tuple(map(_facts, makes)), platform)
    portable = context.to_portable(context.parse(bytecode, f"`{name}`"))
    call: Call = replace(blank, fun_name=name, mlir_module_serialized=portable, _get_vjp=None).call
    return call


def _facts(kind: Any) -> tuple[tuple[int, ...], Any]:
    return tuple(kind.shape), kind.dtype


@lru_cache(maxsize=4096)
def _blank(
    takes: tuple[tuple[tuple[int, ...], Any], ...],
    makes: tuple[tuple[tuple[int, ...], Any], ...],
    platform: str,
) -> export.Exported:
    """An exported function of this type, to be filled with another body."""

    def signature(*_: Any) -> list[Any]:
        return [jax.numpy.zeros(shape, dtype) for shape, dtype in makes]

    jitted = jax.jit(signature, keep_unused=True)
    given = [shape_dtype(shape, dtype) for shape, dtype in takes]
    return export.export(jitted, platforms=[platform], disabled_checks=_CHECKS)(*given)
