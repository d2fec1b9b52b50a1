"""An ONNX file's messages as nodes, inputs and constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import Shape
from cosmalloc.passes.onnx.graph import Node, Scope
from cosmalloc.passes.onnx.tensors import Array, array_of, element_type
from cosmalloc.passes.onnx.wire import Message

_FIELDS = {1: "f", 2: "i", 3: "s", 4: "t", 5: "g", 6: "floats", 7: "ints", 8: "strings"}
_EMPTY: dict[str, Any] = {"f": 0.0, "i": 0, "s": b"", "floats": [], "ints": [], "strings": []}


def nodes_of(graph: Message, scope: Scope) -> list[Node]:
    """The nodes of a graph, a branch or a function, in the order they stand in."""
    return [
        Node(
            op=node.get("op_type", ""),
            domain=node.get("domain", ""),
            name=node.get("name", ""),
            inputs=tuple(node.get("input", ())),
            outputs=tuple(node.get("output", ())),
            attributes=_attributes(node.get("attribute", ()), scope),
            scope=scope,
        )
        for node in graph.get("node", ())
    ]


def _attributes(entries: Sequence[Message], scope: Scope) -> dict[str, Any]:
    found = {}
    for entry in entries:
        name = entry.get("name", "")
        if entry.get("reference"):  # to an attribute of the function's call
            if entry["reference"] in scope.attributes:
                found[name] = scope.attributes[entry["reference"]]
            continue
        kind = _FIELDS.get(entry.get("type", 0)) or next(
            (each for each in _FIELDS.values() if each in entry), None
        )
        if kind is None:
            continue  # of a type that no operator here asks for
        found[name] = _attribute(entry, kind)
    return found


def _attribute(entry: Message, kind: str) -> Any:
    value: Any = entry.get(kind, _EMPTY.get(kind))
    if kind == "t":
        return array_of(value or {}, None)
    if kind == "s":
        return bytes(value).decode(errors="replace")
    if kind == "strings":
        return [bytes(each).decode(errors="replace") for each in value]
    return value


def constants(graph: Message, folder: Path | None) -> dict[str, Array]:
    """The initialisers by name."""
    return {t.get("name", ""): array_of(t, folder) for t in graph.get("initializer", ())}


def input_type(info: Message, shapes: Mapping[str, Shape]) -> tuple[tuple[int, ...], Any]:
    """(shape, dtype) of a graph's input, as `shapes` or the file fix it. Raises InputError."""
    name = info.get("name", "")
    tensor = info.get("type", {}).get("tensor_type")
    if tensor is None:
        raise InputError(f"input `{name}` is no tensor", "only tensors are read")
    kind = element_type(tensor.get("elem_type", 0), f"input `{name}`")
    declared = tensor.get("shape", {}).get("dim")
    if declared is None:
        declared = [] if "shape" in tensor else None
    given = shapes.get(name)
    if isinstance(given, tuple):
        return _given(name, given, declared), kind
    if declared is None:
        raise InputError(f"input `{name}` has no shape", f"give it: `--shape {name}=1x224`")
    open_ = [d for d in declared if not _fixed(d)]
    if open_:
        words = "x".join(_size(d) for d in declared)
        like = "x".join(str(d["value"]) if _fixed(d) else "1" for d in declared)
        raise InputError(
            f"input `{name}` has the shape {words}, which is not fixed",
            f"fix it, for example `--shape {name}={like}`",
        )
    return tuple(d["value"] for d in declared), kind


def _given(name: str, given: tuple[int, ...], declared: list[Message] | None) -> tuple[int, ...]:
    if declared is None:
        return given
    fits = len(declared) == len(given) and all(
        not _fixed(d) or d["value"] == size for d, size in zip(declared, given, strict=True)
    )
    if not fits:
        words = "x".join(map(str, given))
        own = "x".join(_size(d) for d in declared) or "a scalar"
        raise InputError(f"--shape {name}={words} does not fit the model, which says {own}")
    return given


def _fixed(dimension: Message) -> bool:
    return bool(dimension.get("value", -1) >= 0)


def _size(dimension: Message) -> str:
    if _fixed(dimension):
        return str(dimension["value"])
    return str(dimension.get("param") or "?")
