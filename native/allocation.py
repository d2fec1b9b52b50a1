"""The standing allocation: place one more buffer, take one away."""

from __future__ import annotations

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.native.buffers import Ints, capacity_of, refused
from cosmalloc.native.heuristics import Fit


class Allocation:
    """Buffers that stand at offsets, under keys (any int64) that the caller chooses.

    Finding, inserting and removing cost O(log n + k log k) with k buffers alive in the window.
    alignment: offsets are multiples of it.
    """

    def __init__(self, alignment: int = 1) -> None:
        try:
            self._raw = _native.Allocation(alignment)
        except (TypeError, ValueError) as fault:
            raise refused(fault) from None

    def find(
        self, lower: int, upper: int, size: int, capacity: int | None = None, fit: Fit = "first"
    ) -> int:
        """The first or best free offset for `size` bytes in steps [lower, upper), below `capacity`;
        -1 where there is none. Inserts nothing."""
        try:
            return self._raw.find(lower, upper, size, capacity_of(capacity), fit == "best")
        except (TypeError, ValueError) as fault:
            raise refused(fault) from None

    def insert(
        self,
        key: int,
        lower: int,
        upper: int,
        size: int,
        capacity: int | None = None,
        fit: Fit = "first",
    ) -> int:
        """Inserts where `find` points and returns the offset; where that is -1, inserts nothing."""
        try:
            return self._raw.insert(key, lower, upper, size, capacity_of(capacity), fit == "best")
        except (TypeError, ValueError) as fault:
            raise refused(fault) from None

    def insert_at(self, key: int, lower: int, upper: int, size: int, offset: int) -> None:
        """Inserts at `offset`; InputError where a byte is taken or the key in use."""
        try:
            self._raw.insert_at(key, lower, upper, size, offset)
        except (TypeError, ValueError) as fault:
            place = f"{size} bytes at {offset} in steps [{lower}, {upper})"
            raise InputError(f"{refused(fault).fact}: {place}") from None

    def is_free(self, lower: int, upper: int, offset: int, size: int) -> bool:
        """True where bytes [offset, offset + size) are free in all steps of [lower, upper)."""
        try:
            return self._raw.is_free(lower, upper, offset, size)
        except (TypeError, ValueError) as fault:
            raise refused(fault) from None

    def remove(self, key: int) -> None:
        """Takes the buffer away; InputError where there is no such key."""
        try:
            known = self._raw.remove(key)
        except TypeError as fault:
            raise refused(fault) from None
        if not known:
            raise InputError(f"no buffer stands under key {key}")

    def offset_of(self, key: int) -> int:
        """Where the buffer stands; InputError where there is no such key."""
        offset = self._raw.offset_of(key)
        if offset < 0:
            raise InputError(f"no buffer stands under key {key}")
        return offset

    def alive(self, lower: int, upper: int) -> Ints:
        """Keys of the buffers alive in a step of [lower, upper), ascending."""
        try:
            return self._raw.alive(lower, upper)
        except TypeError as fault:
            raise refused(fault) from None

    def copy(self) -> Allocation:
        """An independent copy."""
        twin = object.__new__(Allocation)
        twin._raw = self._raw.copy()
        return twin

    def clear(self) -> None:
        """Takes every buffer away."""
        self._raw.clear()

    @property
    def peak(self) -> int:
        """Highest byte in use plus one, 0 where nothing stands. O(1)."""
        return self._raw.peak

    def __contains__(self, key: int) -> bool:
        return key in self._raw

    def __len__(self) -> int:
        return len(self._raw)
