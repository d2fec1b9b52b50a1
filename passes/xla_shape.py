"""Shapes of HLO text, with the layouts that say where their bytes lie.

A layout lists dimensions from minor to major, then tiles: `{1,0:T(8,128)(2,1)S(1)}`. A tile of k
numbers cuts the last k dimensions (most minor last) into blocks; what is not full is padded:
    (1)  dims[-k:] -> ceil(dims[-k:] / tile) then tile
    (2)  padded bytes = product of the dimensions after all tiles x bits of an element / 8
(openxla.org/xla/tiled_layout). `S(n)` is the memory space, `E(n)` an element's bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from cosmalloc.errors import InputError

Index = tuple[int, ...]  # of a leaf in nested tuples

BITS = {
    **dict.fromkeys(("pred", "s8", "u8"), 8),
    **dict.fromkeys(("s1", "u1"), 1),
    **dict.fromkeys(("s2", "u2"), 2),
    **dict.fromkeys(("s4", "u4", "f4e2m1fn"), 4),
    **dict.fromkeys(("s16", "u16", "f16", "bf16"), 16),
    **dict.fromkeys(("s32", "u32", "f32"), 32),
    **dict.fromkeys(("s64", "u64", "f64", "c64"), 64),
    "c128": 128,
    "token": 0,
    "opaque": 0,
}
_EIGHT = re.compile(r"f8e\w+")
_LAYOUT_PART = re.compile(r"([A-Z#*])((?:\([^()]*\))+)")
LIMIT = 2**40  # elements, padding counted


@dataclass(frozen=True, slots=True)
class Array:
    """dims: as written. minor_to_major: dimension numbers. tiles: per tile its sizes, 0 for `*`.

    bits: of one element. space: of the memory, 0 for the main one.
    """

    dtype: str
    dims: tuple[int, ...]
    minor_to_major: tuple[int, ...]
    tiles: tuple[tuple[int, ...], ...]
    bits: int
    space: int

    @property
    def elements(self) -> int:
        return prod(self.dims)

    @property
    def padded_bytes(self) -> int:
        """(2), tiles applied one after the other."""
        shape = [self.dims[d] for d in reversed(self.minor_to_major)]
        for tile in self.tiles:
            shape = _tiled(shape, tile)
        return -(-prod(shape) * self.bits // 8)


@dataclass(frozen=True, slots=True)
class Tuple:
    parts: tuple[Shape, ...]


Shape = Array | Tuple


def leaves(shape: Shape, at: Index = ()) -> Iterator[tuple[Index, Array]]:
    """Every array of the shape with its index, in order."""
    if isinstance(shape, Array):
        yield at, shape
    else:
        for number, part in enumerate(shape.parts):
            yield from leaves(part, (*at, number))


def array(dtype: str, dims: str, layout: str | None) -> Array:
    """From the three parts of `bf16[8,128]{1,0:T(8,128)(2,1)}`. InputError without a place."""
    bits = BITS.get(dtype, 8 if _EIGHT.fullmatch(dtype) else None)
    if bits is None:
        raise InputError(f"there is no element type `{dtype}`")
    sizes = tuple(_size(word, dims) for word in dims.split(",") if word.strip())
    order, _, rest = (layout or "").partition(":")
    numbers = tuple(_size(word, order) for word in order.split(",") if word.strip())
    if not numbers:
        numbers = tuple(reversed(range(len(sizes))))
    if sorted(numbers) != list(range(len(sizes))):
        raise InputError(f"layout `{order}` does not order the {len(sizes)} dimensions `[{dims}]`")
    tiles: tuple[tuple[int, ...], ...] = ()
    space = 0
    for letter, groups in _LAYOUT_PART.findall(rest):
        values = [_numbers(group) for group in groups[1:-1].split(")(")]
        if letter == "T":
            tiles = tuple(values)
        elif letter == "S":
            space = values[0][0]
        elif letter == "E":
            bits = values[0][0]
    made = Array(dtype, sizes, numbers, tiles, bits, space)
    if made.padded_bytes > LIMIT:
        raise InputError(f"an array of shape [{dims}] has more than {LIMIT} bytes")
    return made


def _size(word: str, whole: str) -> int:
    text = word.strip().removeprefix("<=")  # a dynamic dimension counts as its bound
    if not text.isdecimal() or len(text) > 18:
        raise InputError(f"`{word.strip()}` in `{whole}` is no size")
    return int(text)


def _numbers(group: str) -> tuple[int, ...]:
    return tuple(0 if w.strip() in ("*", "") else _size(w, group) for w in group.split(","))


def _tiled(shape: list[int], tile: tuple[int, ...]) -> list[int]:
    """(1); a `*` joins its dimension with the next more minor one."""
    count = len(tile)
    shape = [1] * (count - len(shape)) + shape
    head, tail = shape[: len(shape) - count], shape[len(shape) - count :]
    sizes, blocks, carried = [], [], 1
    for dim, size in zip(tail, tile, strict=True):
        if size == 0:
            carried *= dim
            continue
        blocks.append(-(-dim * carried // size))
        sizes.append(size)
        carried = 1
    return head + blocks + sizes
