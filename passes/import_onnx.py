"""ONNX files (operator sets 7 to 23) as StableHLO.

The file is read and every operator run once on JAX's tracers, by what its operator set says it
does: no conversion between operator sets and no shape inference is needed, and what depends on
shapes alone is computed on the way. Initialisers of at least a few elements become arguments that
keep their names, `params['conv1.weight']`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import Converted, Opening, Shape
from cosmalloc.passes.lowering import Argument, lower, weight_name
from cosmalloc.passes.onnx.graph import Model, Node, Scope, Value, Weight, run
from cosmalloc.passes.onnx.load import constants, input_type, nodes_of
from cosmalloc.passes.onnx.proto import MODEL
from cosmalloc.passes.onnx.tensors import Array
from cosmalloc.passes.onnx.wire import Message, WireError, parse

NEWEST = 23  # operator set that these operators were written by
DATA_BYTES = 4096  # whole numbers of so many bytes are weights, fewer are shapes and places
OPAQUE = "opaque."


def convert(content: bytes, name: str, opening: Opening, folder: Path | None) -> Converted:
    """The module of an ONNX file. Raises InputError."""
    try:
        message = parse(memoryview(content), MODEL)
    except WireError as error:
        raise InputError(f"{name} is no ONNX model: {error.fact}") from None
    graph = message.get("graph")
    if graph is None or not graph.get("output"):
        raise InputError(f"{name} is no ONNX model: no graph is in it")
    opsets = {o.get("domain", ""): o.get("version", 1) for o in message.get("opset_import", ())}
    if opsets.get("", 1) > NEWEST:
        raise InputError(
            f"{name} is written for operator set {opsets['']}, this reader knows up to {NEWEST}",
            "export it for an older one",
        )
    values = constants(graph, folder) | _fixed(graph, opening.shapes)
    inputs = [info for info in graph.get("input", ()) if info.get("name", "") not in values]
    program = _Program(message, graph, opsets, values, opening)
    arguments = [
        Argument(info.get("name", ""), *input_type(info, opening.shapes)) for info in inputs
    ]
    count = len(arguments)
    weights = {key: value for key, value in program.literals().items() if _lifted(value)}
    arguments += [Argument(weight_name(k), v.shape, v.dtype, False) for k, v in weights.items()]

    def function(*given: Value) -> Sequence[Value]:
        names = [info.get("name", "") for info in inputs]
        traced = dict(zip(weights, given[count:], strict=True))
        return program.run(dict(zip(names, given[:count], strict=True)), traced)

    module, kept = lower(function, arguments, Path(name).stem, program.opaque)
    lifted = {weight_name(key): value for key, value in weights.items()}
    return Converted(module, {key: lifted[key] for key in kept[count:]})


def _lifted(value: Array) -> bool:
    if value.size <= 1:
        return False
    return value.dtype.kind not in "iub" or value.nbytes >= DATA_BYTES


def _fixed(graph: Message, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """Inputs whose value is given. Raises InputError for a name that no input has."""
    held = {tensor.get("name", "") for tensor in graph.get("initializer", ())}
    known = {i.get("name", ""): i for i in graph.get("input", ()) if i.get("name", "") not in held}
    for name in shapes:
        if name not in known:
            raise InputError(
                f"--shape names `{name}`, the model has no such input", f"it has {', '.join(known)}"
            )
    found = {}
    for name, value in shapes.items():
        if isinstance(value, (int, float)):
            shape, kind = input_type(known[name], {})
            found[name] = np.full(shape, value).astype(kind)
            if not np.array_equal(found[name].astype(np.float64), np.full(shape, value)):
                raise InputError(f"--shape {name}=={value:g} is no number of type {kind}")
    return found


class _Program:
    """A file's graph, to be run on tracers."""

    def __init__(
        self,
        message: Message,
        graph: Message,
        opsets: dict[str, int],
        values: dict[str, Array],
        opening: Opening,
    ) -> None:
        self.graph = graph
        self.opaque: set[str] = set()
        functions = {
            (f.get("domain", ""), f.get("name", "")): f for f in message.get("functions", ())
        }
        model = Model(opsets, functions, self._black_box if opening.allow_opaque else None)
        self.scope = Scope(model)
        infos = (*graph.get("value_info", ()), *graph.get("output", ()))
        self.types = {info.get("name", ""): info for info in infos}
        self.constants = values
        self.nodes = nodes_of(graph, self.scope)

    def literals(self) -> dict[str, Array]:
        """Initialisers, and what nodes `Constant` hold, by name."""
        found = dict(self.constants)
        for node in self.nodes:
            value = node.attributes.get("value")
            if node.op == "Constant" and isinstance(value, np.ndarray) and node.outputs:
                found[node.outputs[0]] = value
        return found

    def run(self, inputs: Mapping[str, Value], weights: Mapping[str, Value]) -> list[Value]:
        """The graph's outputs."""
        import jax.numpy as jnp

        from cosmalloc.passes.onnx.handlers import HANDLERS

        values = self.scope.values
        values.clear()
        values.update(self.constants)
        values.update(inputs)
        literals = self.literals()
        lifted = {key: Weight(traced, literals[key]) for key, traced in weights.items()}
        values.update(lifted)
        run(
            [n for n in self.nodes if not (n.op == "Constant" and n.outputs[0] in lifted)], HANDLERS
        )
        found = [self.scope.get(info.get("name", "")) for info in self.graph["output"]]
        return [jnp.asarray(v.traced if isinstance(v, Weight) else v) for v in found]

    def _black_box(self, node: Node, inputs: Sequence[Value]) -> Sequence[Value]:
        """Results of the types that the file states, from an operator that nobody knows."""
        import jax

        types = [_stated(node, self.types.get(name)) for name in node.outputs if name]
        shaped: Any = jax.ShapeDtypeStruct
        shapes = [shaped(shape, kind) for shape, kind in types]
        target = OPAQUE + (f"{node.domain}." if node.domain else "") + node.op
        self.opaque.add(target)
        given = [jax.numpy.asarray(value) for value in inputs if value is not None]
        return list(jax.ffi.ffi_call(target, shapes)(*given))


def _stated(node: Node, info: Message | None) -> tuple[tuple[int, ...], Any]:
    if info is None:
        raise node.fault(
            "is a black box whose results have no known shapes",
            "run ONNX's shape inference on the model first",
        )
    try:
        return input_type(info, {})
    except InputError as error:
        raise node.fault(f"is a black box: {error.fact}") from None
