"""Kernels of a program compiled by XLA:CPU, each once, when it is first run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxlib.mlir import ir

from cosmalloc.passes import context
from cosmalloc.passes.group_operators import Values, copy
from cosmalloc.passes.inline import callee, kernels
from cosmalloc.passes.program import Program, reads


class Kernels:
    """Runs operators of `program`; the program's module must stay as it is."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.functions = kernels(program.module)
        self.compiled: dict[str, Any] = {}

    def inputs(self, operator: int) -> list[ir.Value[Any]]:
        """What an operator's kernel takes, in order."""
        handle = self.program.operations[operator]
        return (
            list(handle.operands)
            if handle.name == "func.call"
            else list(dict.fromkeys(reads(handle)))
        )

    def run(self, operator: int, operands: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Results of one operator on these operands."""
        handle = self.program.operations[operator]
        key = callee(handle) if handle.name == "func.call" else f"%{operator}"
        if key not in self.compiled:
            self.compiled[key] = compile_module(self.bytecode(operator))
        return run_compiled(self.compiled[key], operands)

    def bytecode(self, operator: int) -> bytes:
        """A module whose `main` is the operator's kernel."""
        handle = self.program.operations[operator]
        module = ir.Module.create()
        if handle.name == "func.call":
            main = self.functions[callee(handle)].clone(ip=ir.InsertionPoint(module.body)).operation
            main.attributes["sym_name"] = ir.StringAttr.get("main")
            main.attributes["sym_visibility"] = ir.StringAttr.get("public")
        else:
            wrap(handle, module)
        return context.to_bytecode(module)


def wrap(handle: ir.Operation, module: ir.Module) -> None:
    """A function `main` around one operation."""
    inputs = list(dict.fromkeys(reads(handle)))
    results = [value.type for value in handle.results]
    types = ir.FunctionType.get([value.type for value in inputs], results)
    function = ir.Operation.create(
        "func.func",
        regions=1,
        attributes={
            "sym_name": ir.StringAttr.get("main"),
            "function_type": ir.TypeAttr.get(types),
        },
        ip=ir.InsertionPoint(module.body),
    )
    body = ir.Block.create_at_start(
        function.regions[0], types.inputs, [ir.Location.unknown()] * len(inputs)
    )
    point = ir.InsertionPoint(body)
    inner: Values = dict(zip(inputs, body.arguments, strict=True))
    clone = copy(handle, inner, point)
    ir.Operation.create("func.return", operands=list(clone.results), ip=point)


@lru_cache(maxsize=256)
def compile_module(bytecode: bytes) -> Any:
    """An XLA:CPU executable of a module's `main`; the latest ones are kept."""
    import jax
    from jaxlib import xla_client

    device = jax.devices("cpu")[0]
    options = xla_client.CompileOptions()
    devices = xla_client.DeviceList((device,))
    return device.client.compile_and_load(bytecode, devices, options)


def run_compiled(executable: Any, operands: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Results of an executable of `compile_module` on these operands."""
    import jax

    device = jax.devices("cpu")[0]
    with jax.enable_x64(True):  # else 64-bit operands would be cut
        given = [jax.device_put(operand, device) for operand in operands]
    found = executable.execute_sharded(given)
    results = found.disassemble_into_single_device_arrays()
    return [np.asarray(shards[0]) for shards in results]
