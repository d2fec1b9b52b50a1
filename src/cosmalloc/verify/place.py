"""Law 3: a residency is aligned and lies in the box of steps and scratchpad bytes."""

from __future__ import annotations

from collections.abc import Iterator

from cosmalloc.fault import Fault
from cosmalloc.plan import Residency
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.words import tensor_words


def law_3(sheet: Sheet) -> Iterator[Fault]:
    """Faults of place, one residency after the other."""
    for index, stay in enumerate(sheet.plan.residencies):
        for text in _place(sheet, stay):
            yield Fault(3, f"residency {index} {text}", stay.start, stay.tensor)


def _place(sheet: Sheet, stay: Residency) -> Iterator[str]:
    problem = sheet.problem
    target = problem.target
    if stay.tensor >= len(problem.tensors):
        yield f"is of tensor {stay.tensor}, the problem has {len(problem.tensors)}"
        return
    words = f"of {tensor_words(problem, stay.tensor)}"
    tensor = problem.tensors[stay.tensor]
    if not tensor.tracked:
        yield f"{words}: the tensor is not tracked and has no place on chip"
        return
    if stay.offset % target.alignment:
        yield f"{words} has offset {stay.offset}, no multiple of the alignment {target.alignment}"
    if stay.offset + tensor.bytes > target.scratchpad_bytes:
        yield (
            f"{words} has bytes [{stay.offset}, {stay.offset + tensor.bytes}),"
            f" the scratchpad has {target.scratchpad_bytes}"
        )
    if stay.stop > sheet.steps:
        yield f"{words} has steps [{stay.start}, {stay.stop}), the problem has {sheet.steps}"
