"""torch-mlir's reader of MLIR text and bytecode; what it says, as sentences.

Names in MLIR are bytes, in Python text: torch-mlir ends the process where an operation's name is no
UTF-8, so a module with such a name goes no further than here.
"""

from __future__ import annotations

import re
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import BYTECODE
from cosmalloc.passes.foreign import INSTALL

_PLACE = re.compile(r'error: "?[^":]*"?:(\d+):(\d+): (.*)')
_NAME = re.compile(r'(?<!@)"([^"\n]*\\[^"\n]*)"\(')  # of an operation that torch-mlir does not know
_ESCAPED = re.compile(r"\\([0-9A-F]{2})")  # a byte, in what MLIR prints between quotes


def parse(content: bytes, name: str, *, unregistered: bool) -> Any:
    """A torch-mlir module, beside its context. Raises InputError."""
    try:
        from torch_mlir import ir
    except ImportError:
        raise InputError(f"{name} is read by torch-mlir, which is not installed", INSTALL) from None
    context = ir.Context()
    context.allow_unregistered_dialects = unregistered
    source = content if content[:4] == BYTECODE else _text(content, name)
    try:
        module = ir.Module.parse(source, context)
    except (ir.MLIRError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{name} is not a module that torch-mlir reads: {first_line(error)}"
        ) from None
    broken = _broken_name(module)
    if broken is not None:
        raise InputError(
            f"{name} holds an operation `{broken}`, a name that is no UTF-8 text",
            "the model is damaged; export it again",
        )
    return module


def first_line(error: BaseException) -> str:
    """What an error of torch-mlir says, with its line and column."""
    lines = " ".join(str(error).split())
    if "str_from_cstr" in lines:  # nanobind can't make a string of what MLIR says
        return "it holds bytes that are no text"
    found = _PLACE.search(lines)
    if found is None:
        return lines[:200]
    return f"line {found[1]}, column {found[2]}: {found[3][:200]}"


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no UTF-8 text: byte {error.start} is wrong") from None


def _broken_name(module: Any) -> str | None:
    """The first operation's name that is no UTF-8, as MLIR prints it; None where all are text."""
    options = {"large_elements_limit": 16, "large_resource_limit": 16, "assume_verified": True}
    for match in _NAME.finditer(str(module.operation.get_asm(**options))):
        found = _ESCAPED.sub(lambda each: chr(int(each[1], 16)), match[1])
        try:
            found.encode("latin-1").decode()
        except UnicodeError:
            return match[1]
    return None
