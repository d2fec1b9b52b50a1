"""Where an operation stands, in words for a message."""

from __future__ import annotations

import re

from jaxlib.mlir import ir

_NAME = re.compile(r'"([^"]+)"\(')  # "jit(f)/add"(…): a name around a place
_FILE = re.compile(r'"([^"]+)":(\d+)')  # "model.py":12:3


def where(op: ir.OpView | ir.Operation) -> str:
    """Name and place, as in: `stablehlo.add` at jit(f)/add (model.py:12)"""
    return f"`{op.operation.name}` at {place(op)}"


def place(op: ir.OpView | ir.Operation) -> str:
    """The place alone: the outermost name and the innermost call's file and line."""
    text = str(op.operation.location)
    name = _NAME.search(text) or re.search(r'loc\("([^"]+)"\)', text)
    file = _FILE.search(text)
    line = _line(file[1], file[2]) if file else ""
    if name:
        return f"{name[1]} ({line})" if line else name[1]
    return line or "an unknown location"


def _line(file: str, line: str) -> str:
    """`-` is how MLIR calls a text that came from no file."""
    return f"line {line}" if file == "-" else f"{file}:{line}"
