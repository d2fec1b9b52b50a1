"""Law 4: a residency starts by its producer or by one load, and covers the load's window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cosmalloc.fault import Fault
from cosmalloc.plan import Transfer
from cosmalloc.verify.sheet import Sheet, Stay
from cosmalloc.verify.words import tensor_words


def law_4(sheet: Sheet) -> Iterator[Fault]:
    """Faults of residencies without a cause, then of loads.

    Its third part, a load complete before the first use, is asked beside law 6.
    """
    for tensor in sorted({*sheet.stays, *sheet.loads}):
        stays = sheet.stays.get(tensor, [])
        if sheet.asked[tensor]:
            yield from _causes(sheet, tensor, stays)
            yield from _windows(sheet, tensor, stays)
    for index, load in enumerate(sheet.plan.transfers):
        if load.kind == "load":
            yield from _bounds(sheet, index, load)


def _causes(sheet: Sheet, tensor: int, stays: list[Stay]) -> Iterator[Fault]:
    made_at = sheet.produced_at(tensor)
    produced = "no operator produces it" if made_at is None else f"produced at step {made_at}"
    for stay in stays:
        if stay.cause == "nothing":
            text = (
                f"residency {stay.number} of {tensor_words(sheet.problem, tensor)} starts at step"
                f" {stay.start}, no load starts there and {produced}"
            )
            yield Fault(4, text, stay.start, tensor)


def _windows(sheet: Sheet, tensor: int, stays: list[Stay]) -> Iterator[Fault]:
    started: dict[int, list[Stay]] = defaultdict(list)
    for stay in stays:
        if stay.cause == "load":
            started[stay.start].append(stay)
    taken: dict[int, int] = {}
    for index, load in sheet.loads.get(tensor, ()):
        words = f"load {index} of {tensor_words(sheet.problem, tensor)}"
        if load.start not in started:
            yield Fault(
                4, f"{words} starts at border {load.start} no residency", load.start, tensor
            )
            continue
        if load.start in taken:
            text = f"{words} starts at border {load.start} what load {taken[load.start]} starts"
            yield Fault(4, text, load.start, tensor)
            continue
        taken[load.start] = index
        for stay in started[load.start]:
            if stay.stop <= load.stop <= sheet.steps:
                text = f"{words} ends at border {load.stop}, its residency {stay.number} at"
                yield Fault(4, f"{text} {stay.stop}", load.start, tensor)


def _bounds(sheet: Sheet, index: int, load: Transfer) -> Iterator[Fault]:
    tensors = sheet.problem.tensors
    if load.tensor >= len(tensors):
        text = f"load {index} is of tensor {load.tensor}, the problem has {len(tensors)}"
        yield Fault(4, text, load.start, load.tensor)
        return
    words = f"load {index} of {tensor_words(sheet.problem, load.tensor)}"
    if not tensors[load.tensor].tracked:
        yield Fault(4, f"{words}: the tensor is not tracked", load.start, load.tensor)
    elif load.stop > sheet.steps:
        text = f"{words} ends at border {load.stop}, the last border is {sheet.steps}"
        yield Fault(4, text, load.start, load.tensor)
