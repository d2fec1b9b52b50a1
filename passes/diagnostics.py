"""What MLIR says about a module, as sentences.

jaxlib makes Python strings of messages while an error is under way, and ends the process where one
is no UTF-8 (a damaged file's may be anything). So a handler of ours takes the messages first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jaxlib.mlir import ir

_PLACE = re.compile(r'^loc\("-":(\d+):(\d+)\)$')  # in a text that was parsed
_ESCAPED = re.compile(r"\\\\|((?:\\[0-9A-F]{2})+)")  # a backslash, or bytes that are no ASCII


@contextmanager
def listening(context: ir.Context) -> Iterator[list[str]]:
    """The errors that MLIR reports meanwhile, in order; MLIR's exceptions then hold none."""
    said: list[str] = []

    def hear(diagnostic: ir.Diagnostic) -> bool:
        if diagnostic.severity == ir.DiagnosticSeverity.ERROR:
            said.append(_sentence(diagnostic))
        return True

    before = context.emit_error_diagnostics
    context.emit_error_diagnostics = True  # jaxlib's handler leaves them to ours
    handler: Any = context.attach_diagnostic_handler(hear)
    try:
        yield said
    finally:
        handler.detach()
        context.emit_error_diagnostics = before


def broken_string(module: ir.Operation) -> str | None:
    """A string of the module that is no UTF-8, as MLIR prints it; None where all are text."""
    text = str(module.get_asm(enable_debug_info=True, large_elements_limit=16))
    for match in _ESCAPED.finditer(text):
        if match[1] is not None:
            try:
                bytes.fromhex(match[1].replace("\\", "")).decode()
            except UnicodeDecodeError:
                return match[1]
    return None


def _sentence(diagnostic: ir.Diagnostic) -> str:
    try:
        message, location = str(diagnostic.message), str(diagnostic.location)
    except (RuntimeError, UnicodeDecodeError):
        return "it holds bytes that are no text"
    found = _PLACE.match(location)
    place = f"line {found[1]}, column {found[2]}: " if found and found[1] != "0" else ""
    fact, _, _ = " ".join(message.split()).partition(". If this is intended")
    return f"{place}{fact}"
