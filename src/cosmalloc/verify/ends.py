"""Law 7: every program output ends off-chip.

Nothing an operator reads is stale follows from the rest: a tensor is written once, its off-chip
copy is read only where laws 5 and 6 find it valid, and its bytes on chip are its own by law 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from cosmalloc.fault import Fault
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.words import tensor_words


def law_7(sheet: Sheet) -> Iterator[Fault]:
    """One fault per output that nobody stores or writes off-chip."""
    for tensor, entry in enumerate(sheet.problem.tensors):
        if entry.kind == "output" and sheet.asked[tensor] and sheet.valid_from[tensor] is None:
            text = f"output {tensor_words(sheet.problem, tensor)} never ends off-chip"
            yield Fault(7, text, sheet.steps, tensor)
