"""Scratchpad sizes as people write them: a range or a list."""

from __future__ import annotations

from cosmalloc.errors import InputError
from cosmalloc.sizes import parse_bytes
from cosmalloc.target import MAX_SCRATCHPAD

MOST = 10_000  # sizes of one sweep


def sizes_in(words: str, points: int = 12, alignment: int = 1) -> tuple[int, ...]:
    """Bytes, ascending, multiples of `alignment` but for what is listed.

    words: `256KiB..16MiB`: `points` sizes at equal ratios, ends included; or `1MiB,2MiB,3MiB` as
    they are. Raises InputError.
    """
    if not 1 <= points <= MOST:
        raise InputError(f"a sweep of {points} points is none", f"give 1 to {MOST} points")
    low_words, dots, high_words = words.partition("..")
    if not dots:
        return tuple(sorted({_size(word) for word in words.split(",")}))
    low, high = _size(low_words), _size(high_words)
    if not 0 < low <= high:
        raise InputError(f"the range of sizes `{words}` is empty", "write it like 256KiB..16MiB")
    steps = max(points - 1, 1)
    ratio = (high / low) ** (1 / steps)
    found = [round(low * ratio**k / alignment) * alignment for k in range(points)]
    if points > 1:
        found[-1] = high // alignment * alignment
    return tuple(sorted({size for size in found if size > 0}))


def _size(word: str) -> int:
    size = parse_bytes(word)
    if size > MAX_SCRATCHPAD:
        raise InputError(f"a scratchpad of {size} bytes is larger than {MAX_SCRATCHPAD}")
    return size
