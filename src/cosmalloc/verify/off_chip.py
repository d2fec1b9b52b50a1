"""Law 5: a store happens while resident; a load reads a valid off-chip copy."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from cosmalloc.fault import Fault
from cosmalloc.plan import Transfer
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.words import tensor_words


def law_5(sheet: Sheet) -> Iterator[Fault]:
    """Faults of stores and of the copies that loads read, as listed in the plan."""
    for index, transfer in enumerate(sheet.plan.transfers):
        check = _store if transfer.kind == "store" else _load
        for text in check(sheet, transfer):
            yield Fault(5, f"{transfer.kind} {index} {text}", transfer.start, transfer.tensor)


def _store(sheet: Sheet, store: Transfer) -> Iterator[str]:
    tensors = sheet.problem.tensors
    if store.tensor >= len(tensors):
        yield f"is of tensor {store.tensor}, the problem has {len(tensors)}"
        return
    words = f"of {tensor_words(sheet.problem, store.tensor)}"
    if not tensors[store.tensor].tracked:
        yield f"{words}: the tensor is not tracked"
    elif store.stop > sheet.steps:
        yield f"{words} ends at border {store.stop}, the last border is {sheet.steps}"
    elif sheet.asked[store.tensor] and not _stays_on_chip(sheet, store):
        yield f"{words}: not on chip from border {store.start} to border {store.stop}"


def _stays_on_chip(sheet: Sheet, store: Transfer) -> bool:
    """Made or loaded before border `start` and there until border `stop`."""
    group = sheet.merged.get(store.tensor, [])
    at = bisect_left(group, store.start, key=lambda stay: stay.start) - 1
    return at >= 0 and group[at].ready <= store.start and store.stop <= group[at].stop


def _load(sheet: Sheet, load: Transfer) -> Iterator[str]:
    if not sheet.known(load.tensor) or not sheet.asked[load.tensor]:
        return
    valid = sheet.valid_from[load.tensor]
    if not sheet.starts_stay(load):
        return  # law 4 has it
    if valid is None or valid > load.start:
        since = "never" if valid is None else f"from border {valid} on"
        yield (
            f"of {tensor_words(sheet.problem, load.tensor)} reads the off-chip copy at border"
            f" {load.start}, it is valid {since}"
        )
