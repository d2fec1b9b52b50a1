"""The packing problem as numpy arrays, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmalloc import _native
from cosmalloc.errors import InputError

Ints: TypeAlias = NDArray[np.int64]
UNBOUNDED = 2**60


class Gap(NamedTuple):
    """The bytes of `buffer` are free in steps [lower, upper), inside its lifetime."""

    buffer: int
    lower: int
    upper: int


class Buffers:
    """Buffers that want offsets.

    lower, upper: int[N], alive in steps [lower, upper). size: int[N], bytes, 0 to 2**40.
    alignment: int or int[N], offsets are multiples of it, 1 to 2**30.
    fixed: int[N], the offset a buffer must have, -1 where it is free; None: all free.
    alias: int[N], a group (-1: none) has one offset, its members may overlap; None: no groups.
    gaps: steps inside a lifetime in which the bytes are free; the offset is the same after it.

    A buffer of no bytes or no steps takes part in nothing: offset 0, or its fixed one.
    Raises InputError for unequal lengths, values out of range, or fixed buffers that overlap.
    """

    def __init__(
        self,
        lower: ArrayLike,
        upper: ArrayLike,
        size: ArrayLike,
        *,
        alignment: int | ArrayLike = 1,
        fixed: ArrayLike | None = None,
        alias: ArrayLike | None = None,
        gaps: Sequence[Gap | tuple[int, int, int]] = (),
    ) -> None:
        lower_ = ints(lower, "lower")
        scalar = isinstance(alignment, int | np.integer)
        aligned = _repeat(alignment, len(lower_)) if scalar else ints(alignment, "alignment")
        try:
            self.blocks = _native.Blocks(
                lower_,
                ints(upper, "upper"),
                ints(size, "size"),
                aligned,
                _NONE if fixed is None else ints(fixed, "fixed"),
                _NONE if alias is None else ints(alias, "alias"),
                _rows(gaps),
            )
        except ValueError as fault:
            raise refused(fault) from None
        self.count = len(lower_)

    def __len__(self) -> int:
        return self.count


_NONE: Ints = np.empty(0, dtype=np.int64)


def _repeat(alignment: ArrayLike, count: int) -> Ints:
    value = ints(np.atleast_1d(alignment), "alignment")
    return _NONE if value[0] == 1 else np.full(count, value[0])


def _rows(gaps: Sequence[Gap | tuple[int, int, int]]) -> Ints:
    rows = ints(gaps, "gaps", dimensions=2) if len(gaps) else _NONE.reshape(0, 3)
    if rows.shape[1] != 3:
        raise InputError(f"`gaps` has rows of {rows.shape[1]} numbers", "give buffer, lower, upper")
    return rows


def refused(fault: ValueError | TypeError) -> InputError:
    """The module's refusal in our words: a TypeError there is a number that is no int64."""
    if isinstance(fault, TypeError):
        return InputError("a number is not whole, or not below 2**63")
    return InputError(str(fault))


def ints(values: ArrayLike, name: str, dimensions: int = 1) -> Ints:
    """`values` as contiguous int64, in place where they are; InputError for other numbers."""
    try:
        array = np.asarray(values)
        if array.size == 0 and array.ndim == dimensions:
            array = array.astype(np.int64)
        whole = np.ascontiguousarray(array, dtype=np.int64) if array.dtype.kind in "iu" else None
    except (TypeError, ValueError, OverflowError) as problem:
        raise InputError(f"`{name}` is no array of whole numbers: {problem}") from None
    if whole is None or (array.dtype.kind == "u" and bool((whole < 0).any())):
        raise InputError(f"`{name}` has type {array.dtype}, not whole numbers below 2**63")
    if whole.ndim != dimensions or array.ndim != dimensions:
        raise InputError(f"`{name}` has {array.ndim} dimensions, not {dimensions}")
    return whole


def capacity_of(capacity: int | None) -> int:
    """Bytes available; None for as many as it takes."""
    if capacity is None:
        return UNBOUNDED
    if capacity < 0:
        raise InputError(f"a capacity of {capacity} bytes", "give 0 or more, or None for no limit")
    return min(int(capacity), UNBOUNDED)
