"""Where an operation stands, in words for a message."""

from __future__ import annotations

from jaxlib.mlir import ir

_MAX = 160  # characters of a location kept: call stacks can be long


def where(op: ir.OpView | ir.Operation) -> str:
    """The operation's name and its location, as in "`stablehlo.add` at "jit(f)/add"(...)"."""
    return f"`{op.operation.name}` at {place(op)}"


def place(op: ir.OpView | ir.Operation) -> str:
    """The location alone, without MLIR's wrapping, cut to one readable line."""
    text = str(op.operation.location)
    text = text.removeprefix("loc(").removesuffix(")")
    if text == "unknown":
        return "an unknown location"
    return text if len(text) <= _MAX else text[: _MAX - 1] + "…"
