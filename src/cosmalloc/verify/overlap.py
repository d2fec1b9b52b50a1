"""Law 2: residencies don't overlap, of one tensor in steps, of two in steps and bytes.

A sweep over the steps keeps the residencies alive in layers; within a layer no two overlap in
bytes, so that a newcomer finds those it meets by bisection. A legal plan needs one layer, two
where results take the bytes of operands in place.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from cosmalloc.fault import Fault
from cosmalloc.plan import Residency
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.words import tensor_words

LIMIT = 10_000  # overlaps listed; L layers need L * (L - 1) / 2 overlaps, so the layers stay few


class Block(NamedTuple):
    """A residency as a rectangle: bytes [low, high) in its steps."""

    low: int
    high: int
    number: int
    stay: Residency


def law_2(sheet: Sheet) -> Iterator[Fault]:
    """Overlaps in time of one tensor, then overlaps in time and bytes of two."""
    yield from _of_one(sheet)
    met = 0
    for old, new in _pairs(sheet):
        if new.stay.tensor != old.stay.tensor and (
            _in_place(sheet, old.stay, new.stay) or _in_place(sheet, new.stay, old.stay)
        ):
            continue
        met += 1
        if met > LIMIT:
            yield Fault(2, f"there are more than {LIMIT} overlaps, the rest is not listed")
            return
        if new.stay.tensor != old.stay.tensor:
            yield _fault(sheet, old, new)


def _of_one(sheet: Sheet) -> Iterator[Fault]:
    """Each residency that starts before an earlier one of its tensor has ended, named once."""
    for tensor, group in sorted(sheet.stays.items()):
        last = group[0]
        for stay in group[1:]:
            if stay.start < last.stop:
                text = (
                    f"{tensor_words(sheet.problem, tensor)} is on chip twice: residency"
                    f" {last.number} in steps [{last.start}, {last.stop}) and residency"
                    f" {stay.number} in steps [{stay.start}, {stay.stop})"
                )
                yield Fault(2, text, stay.start, tensor)
            last = max(last, stay, key=lambda s: s.stop)


def _fault(sheet: Sheet, old: Block, new: Block) -> Fault:
    stop = min(old.stay.stop, new.stay.stop)
    text = (
        f"residency {old.number} of {tensor_words(sheet.problem, old.stay.tensor)} has bytes"
        f" [{old.low}, {old.high}) and residency {new.number} of"
        f" {tensor_words(sheet.problem, new.stay.tensor)} bytes [{new.low}, {new.high}),"
        f" both in steps [{new.stay.start}, {stop})"
    )
    return Fault(2, text, new.stay.start, new.stay.tensor)


def _in_place(sheet: Sheet, old: Residency, new: Residency) -> bool:
    """Whether `new` is a result that takes the bytes of the operand `old` in its producing step."""
    tensors = sheet.problem.tensors
    group = tensors[old.tensor].alias_group
    if group is None or tensors[new.tensor].alias_group != group:
        return False
    if old.offset != new.offset or old.stop != new.start + 1:
        return False
    if not (sheet.asked[old.tensor] and sheet.asked[new.tensor]):
        return True  # law 1 has it: nobody knows the producing step
    made_by = sheet.problem.producer[new.tensor]
    if made_by is None or sheet.step[made_by] != new.start:
        return False
    if old.tensor not in sheet.problem.operators[made_by].inputs:
        return False
    reads = (sheet.step[reader] for reader in sheet.problem.readers[old.tensor])
    stored = (store.stop for _, store in sheet.stores.get(old.tensor, ()))
    return all(at is None or at <= new.start for at in reads) and all(
        stop <= new.start for stop in stored
    )


class _Layer:
    """Disjoint blocks by their bytes."""

    def __init__(self) -> None:
        self.low: list[int] = []
        self.high: list[int] = []
        self.blocks: list[Block] = []

    def meets(self, block: Block) -> list[Block]:
        first = bisect_right(self.high, block.low)
        stop = bisect_left(self.low, block.high, first)
        return self.blocks[first:stop]

    def add(self, block: Block) -> None:
        at = bisect_left(self.low, block.low)
        self.low.insert(at, block.low)
        self.high.insert(at, block.high)
        self.blocks.insert(at, block)

    def remove(self, block: Block) -> None:
        at = bisect_left(self.low, block.low)
        del self.low[at], self.high[at], self.blocks[at]


def _pairs(sheet: Sheet) -> Iterator[tuple[Block, Block]]:
    """(older, newer) blocks that overlap in steps and bytes."""
    layers: list[_Layer] = []
    ends: list[tuple[int, int, _Layer, Block]] = []
    for block in _blocks(sheet):
        while ends and ends[0][0] <= block.stay.start:
            _, _, layer, gone = heapq.heappop(ends)
            layer.remove(gone)
        home: _Layer | None = None
        for layer in layers:
            met = layer.meets(block)
            yield from ((old, block) for old in met)
            if not met and home is None:
                home = layer
        if home is None:
            home = _Layer()
            layers.append(home)
        home.add(block)
        heapq.heappush(ends, (block.stay.stop, block.number, home, block))


def _blocks(sheet: Sheet) -> list[Block]:
    tensors = sheet.problem.tensors
    return sorted(
        (
            Block(stay.offset, stay.offset + tensors[stay.tensor].bytes, index, stay)
            for index, stay in enumerate(sheet.plan.residencies)
            if sheet.known(stay.tensor)
        ),
        key=lambda block: (block.stay.start, block.number),
    )
