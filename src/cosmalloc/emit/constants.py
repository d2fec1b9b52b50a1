"""The bytes of a mapped program's own constants, which are weights that no caller has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxlib.mlir import ir


def constants(module: ir.Module) -> dict[int, bytes]:
    """Tensor -> bytes, row by row, of every constant that is a tensor of the problem.

    Raises InputError where the plan counts other bytes than the data have.
    """
    import numpy as np
    from jaxlib.mlir import ir

    from cosmalloc.errors import InputError
    from cosmalloc.passes.numpy_types import array_bytes, numpy_type, shape_of
    from cosmalloc.passes.plan_in import read_program

    found: dict[int, bytes] = {}
    with module.context, ir.Location.unknown():
        program = read_program(module.operation).program
        for operation in program.main.regions[0].blocks[0]:
            if operation.operation.name != "stablehlo.constant":
                continue
            value = operation.results[0]
            tensor = program.tensors[value]
            kind = numpy_type(value.type)
            data = np.broadcast_to(np.array(operation.attributes["value"]), shape_of(value.type))
            found[tensor] = array_bytes(data.astype(kind)).tobytes()
            counted = program.problem.tensors[tensor].bytes
            if found[tensor] and len(found[tensor]) != counted:
                raise InputError(
                    f"constant {tensor} has {len(found[tensor])} bytes, the plan counts {counted}",
                    "map without `--bytes-per-element`",
                )
    return {tensor: data for tensor, data in found.items() if data}
