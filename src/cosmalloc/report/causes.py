"""Off-chip bytes by tensor and by cause.

Per tensor, with the accounts of `cosmalloc.traffic`:
    compulsory read   min(loads + direct reads, bytes due to be read), copies counted first
    reload            the other loads
    direct read       the other bytes that operators read off-chip
    compulsory write, spill store, direct write: the same for stores and writes
The last four sum up to `non_compulsory`.
"""

from __future__ import annotations

from typing import NamedTuple

from cosmalloc.traffic import TensorTraffic, Traffic


class Causes(NamedTuple):
    """Bytes of one tensor, or of many."""

    compulsory_read: int = 0
    compulsory_write: int = 0
    reload: int = 0
    spill_store: int = 0
    direct_read: int = 0
    direct_write: int = 0

    @property
    def moved(self) -> int:
        """All of them."""
        return sum(self)

    @property
    def avoidable(self) -> int:
        """Without the compulsory ones: what objective `traffic` counts."""
        return self.moved - self.compulsory_read - self.compulsory_write


def causes_of(entry: TensorTraffic) -> Causes:
    """The causes of one tensor's bytes."""
    read, reload, direct_read = _split(entry.loads, entry.direct_reads, entry.due_read)
    write, spill, direct_write = _split(entry.stores, entry.direct_writes, entry.due_write)
    return Causes(read, write, reload, spill, direct_read, direct_write)


def causes_by_tensor(moved: Traffic) -> list[tuple[int, Causes]]:
    """(tensor, causes) of whatever moves, most avoidable bytes first, then most bytes."""
    found = [(entry.tensor, causes_of(entry)) for entry in moved.tensors if entry.moved]
    return sorted(found, key=lambda row: (-row[1].avoidable, -row[1].moved, row[0]))


def total(moved: Traffic) -> Causes:
    """The causes of all bytes."""
    rows = [causes_of(entry) for entry in moved.tensors]
    return Causes(*(sum(column) for column in zip(*rows, strict=True))) if rows else Causes()


def _split(copied: int, direct: int, due: int) -> tuple[int, int, int]:
    """(compulsory, more by copies, more by direct access)."""
    by_copy = min(copied, due)
    by_access = min(direct, due - by_copy)
    return by_copy + by_access, copied - by_copy, direct - by_access
