"""An ONNX graph run on JAX's tracers: what the operators do is what is recorded.

A value is known (a numpy array: constants, shapes and what is computed from them alone), a weight
(a numpy array that becomes an argument) or traced. So shapes that a graph computes by `Shape`,
`Gather` and `Concat` are numbers here, and need no inference of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.passes.onnx.tensors import Array
from cosmalloc.passes.onnx.wire import Message

Value: TypeAlias = Any  # numpy array or JAX array
Handler: TypeAlias = "Callable[..., Any]"  # (node, *inputs) -> a value or several
BROKEN = (
    *(TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError),
    *(ZeroDivisionError, NotImplementedError, AssertionError, RecursionError, MemoryError),
)
DATA_HINT = "fix the input shapes, `--shape NAME=1x3x224x224`; shapes must not depend on data"


@dataclass(frozen=True, slots=True)
class Weight:
    """A constant that is an argument of the program, and its values."""

    traced: Value
    known: Array


@dataclass(frozen=True)
class Model:
    """What every node of a file shares.

    opsets: version per domain. functions: operators that the file defines, by (domain, name).
    opaque: makes the results of an operator that nobody knows, None where it is an error.
    """

    opsets: Mapping[str, int]
    functions: Mapping[tuple[str, str], Message] = field(default_factory=dict)
    opaque: Callable[[Node, Sequence[Value]], Sequence[Value]] | None = None


@dataclass
class Scope:
    """Values by name; what is not here is looked for outside (branches read their graph's)."""

    model: Model
    values: dict[str, Any] = field(default_factory=dict)
    outer: Scope | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of a function's call
    types: dict[str, Message] = field(default_factory=dict)  # value_info by name

    def get(self, name: str) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        raise InputError(f"value `{name}` is read and nothing makes it")


@dataclass(frozen=True)
class Node:
    """One operator: what it is, its attributes, its inputs by position."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    scope: Scope

    @property
    def version(self) -> int:
        """The operator set that the file was written for."""
        return self.scope.model.opsets.get(self.domain, 1)

    @property
    def where(self) -> str:
        """In words for a message."""
        domain = f"{self.domain}." if self.domain else ""
        place = self.name or f"the one that makes `{next(iter(self.outputs), '')}`"
        return f"ONNX operator `{domain}{self.op}` at {place}"

    def attr(self, name: str, default: Any) -> Any:
        """An attribute, of the type of its default. Raises InputError."""
        found = self.attributes.get(name)
        if found is None:
            return default
        want = list if isinstance(default, (list, tuple)) else type(default)
        if default is not None and not isinstance(found, want):
            raise self.fault(f"has an attribute `{name}` that is no {want.__name__}")
        return found

    def raw(self, index: int) -> Any:
        """Input `index` as it stands in the scope, None where it is missing."""
        if index >= len(self.inputs) or not self.inputs[index]:
            return None
        return self.scope.get(self.inputs[index])

    def known(self, index: int) -> Array | None:
        """The numbers of an input, None where it is missing. InputError where data decide."""
        value = self.raw(index)
        if isinstance(value, Weight):
            return value.known
        if value is None or isinstance(value, np.ndarray):
            return value
        raise self.fault(f"takes `{self.inputs[index]}` from data", DATA_HINT)

    def integers(self, index: int, attribute: str = "") -> list[int] | None:
        """An input of integers, or the attribute that older versions had instead."""
        value = self.known(index) if index >= 0 else None
        if value is not None:
            if value.dtype.kind not in "iu" or value.size > 4096:
                raise self.fault(f"has an input {index} that is no short list of integers")
            return [int(each) for each in value.reshape(-1)]
        found = self.attr(attribute, []) if attribute in self.attributes else None
        return None if found is None else [int(each) for each in found]

    def fault(self, fact: str, hint: str = "") -> InputError:
        return InputError(f"{self.where} {fact}", hint)


def run(nodes: Sequence[Node], handlers: Mapping[str, Handler]) -> None:
    """Each node in turn; its results go into its scope. Raises InputError."""
    import jax

    for node in nodes:
        inputs = [_plain(node.raw(index)) for index in range(len(node.inputs))]
        with jax.named_scope(_scope_name(node)):
            results = _results(node, inputs, handlers)
        made = [name for name in node.outputs if name]
        if len(results) < len(made):
            raise node.fault(f"has {len(node.outputs)} results, this reader makes {len(results)}")
        for name, value in zip(node.outputs, results, strict=False):
            if name:
                node.scope.values[name] = value


def _plain(value: Any) -> Any:
    return value.traced if isinstance(value, Weight) else value


def _scope_name(node: Node) -> str:
    name = node.name or next(iter(node.outputs), "") or node.op
    return "".join(c if c.isalnum() or c in "_.-/" else "_" for c in name)[:120] or node.op


def _results(node: Node, inputs: list[Value], handlers: Mapping[str, Handler]) -> Sequence[Value]:
    handler = handlers.get(node.op) if node.domain in ("", "ai.onnx", "com.microsoft") else None
    if handler is None and (node.domain, node.op) not in node.scope.model.functions:
        if node.scope.model.opaque is not None:
            return node.scope.model.opaque(node, inputs)
        raise node.fault(
            "is not known to this reader", "`--allow-opaque` maps it as a black box of its bytes"
        )
    try:
        found = _call(node, inputs, handlers) if handler is None else handler(node, *inputs)
    except BROKEN as error:
        first = " ".join(str(error).split())[:200]
        raise node.fault(f"can't be read: {first or type(error).__name__}") from error
    several = found if isinstance(found, (list, tuple)) else (found,)
    return [np.asarray(v) if isinstance(v, np.generic) else v for v in several]  # numpy's scalars


def _call(node: Node, inputs: list[Value], handlers: Mapping[str, Handler]) -> Sequence[Value]:
    """An operator that the file itself defines."""
    from cosmalloc.passes.onnx.load import nodes_of

    function = node.scope.model.functions[node.domain, node.op]
    depth, outer = 0, node.scope
    while outer.outer is not None:
        depth, outer = depth + 1, outer.outer
    if depth > 32:
        raise node.fault("calls functions more than 32 deep")
    inner = Scope(node.scope.model, outer=node.scope, attributes=node.attributes)
    for index, name in enumerate(function.get("input", ())):
        inner.values[name] = node.raw(index)
    run(nodes_of(function, inner), handlers)
    return [_plain(inner.get(name)) for name in function.get("output", ())]
