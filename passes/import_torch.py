"""`torch.export` programs as StableHLO, by way of torch-mlir.

Parameters, buffers and lifted constants are arguments behind the inputs and keep their names,
`params['encoder.0.weight']`. What torch-mlir can't bring to StableHLO is tried by way of linalg
(`import_mlir.py`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import Converted, Opening
from cosmalloc.passes.foreign import INSTALL, Array
from cosmalloc.passes.foreign_parse import first_line
from cosmalloc.passes.import_mlir import from_mlir
from cosmalloc.passes.lowering import Argument, named, stablehlo_alone, weight_name

_WEIGHTS = ("PARAMETER", "BUFFER", "CONSTANT_TENSOR")


@dataclass(frozen=True)
class _Input:
    """A placeholder of the graph. value: of a weight, None for an input."""

    node: Any
    name: str
    value: Array | None


def convert(content: bytes, name: str, opening: Opening, folder: Path | None) -> Converted:
    """The module of a `.pt2` file. Raises InputError."""
    if opening.shapes:
        raise InputError(f"--shape was given, and the shapes in {name} are fixed")
    try:
        import torch
        from torch_mlir import fx
    except ImportError as error:
        raise InputError(
            f"{name} is read by torch and torch-mlir, and `{error.name}` is not installed",
            INSTALL + " and torch",
        ) from None
    begin = process_time()
    try:
        program = torch.export.load(io.BytesIO(content))
    except Exception as error:  # noqa: BLE001  zip, JSON, pickle: whatever torch meets in it
        raise InputError(f"{name} is no exported program: {_first(error)}") from None
    if program.range_constraints:
        raise InputError(
            f"{name} has dimensions that are not fixed", "export it without `dynamic_shapes`"
        )
    try:
        program = program.run_decompositions(fx.get_decomposition_table())
        inputs = _inputs(program, name)
        text, form = lowered(program, name)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  what torch's passes raise has no common name
        raise InputError(f"{name} can't be lowered by torch-mlir: {_first(error)}") from None
    taken = process_time() - begin
    made = from_mlir(text, name, opening).module if form == "linalg" else text
    arguments = [_argument(each) for each in inputs]
    module, kept = named(made, arguments)
    weights = {weight_name(i.name): i.value for i in inputs if i.value is not None}
    return Converted(module, {k: weights[k] for k in kept if k in weights}, taken)


def _inputs(program: Any, name: str) -> list[_Input]:
    """The graph's placeholders, those of inputs moved to the front. Raises InputError."""
    specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    given, weights = [], []
    for node in nodes:
        spec = specs[node.name]
        kind = spec.kind.name
        if kind == "USER_INPUT":
            given.append(_Input(node, node.name, None))
        elif kind in _WEIGHTS:
            weights.append(_Input(node, spec.target, _value(program, spec.target)))
        else:
            raise InputError(f"{name} takes `{node.name}`, a {kind.lower()}, which is not read")
    first = nodes[0] if nodes else None
    for each in given:
        if each.node is not first and first is not None:
            first.prepend(each.node)
    return given + weights


def _value(program: Any, target: str) -> Array:
    import ml_dtypes
    import torch

    held = program.state_dict if target in program.state_dict else program.constants
    tensor = held[target].detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        return np.asarray(tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16))
    return np.asarray(tensor.numpy())


def _argument(each: _Input) -> Argument:
    if each.value is None:
        return Argument(each.name, (), np.dtype(np.float32))
    return Argument(weight_name(each.name), each.value.shape, each.value.dtype, False)


def lowered(program: Any, name: str) -> tuple[bytes, str]:
    """StableHLO text, or linalg where that fails, and which of both it is."""
    from torch_mlir import fx
    from torch_mlir.compiler_utils import OutputType

    said = ""
    for form, kind in (
        ("stablehlo", OutputType.STABLEHLO),
        ("linalg", OutputType.LINALG_ON_TENSORS),
    ):
        module = _raw(program)
        try:
            made = fx._module_lowering(False, False, kind, module)
        except Exception as error:  # noqa: BLE001
            said = said or _first(error)
            continue
        text = str(made.operation.get_asm(enable_debug_info=True, large_elements_limit=None))
        if form == "linalg":
            return text.encode(), form
        try:
            return stablehlo_alone(text.encode()), form
        except InputError as error:
            said = said or error.fact
    raise InputError(f"{name} can't be lowered by torch-mlir: {said}")


def _raw(program: Any) -> Any:
    from torch_mlir import ir
    from torch_mlir.dialects import torch as torch_dialect
    from torch_mlir.extras.fx_importer import FxImporter

    fresh = ir.Context()
    torch_dialect.register_dialect(fresh)
    importer = FxImporter(context=fresh)
    importer.import_stateless_graph(program.graph, func_name="main")
    return importer.module


def _first(error: BaseException) -> str:
    return first_line(error) or type(error).__name__
