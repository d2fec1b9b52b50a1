"""Bytes as people write them."""

from __future__ import annotations

import re
from fractions import Fraction

from cosmalloc.errors import InputError

UNITS = {
    "": 1,
    "b": 1,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
}
SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,20})?) ?([A-Za-z]*)", re.ASCII)


def parse_bytes(text: str) -> int:
    """`4096`, `2MiB`, `1.5 KiB`, `3.1MiB` (whole bytes below), `64KB` (64,000). InputError."""
    match = SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in UNITS:
        raise InputError(
            f"`{text}` is no number of bytes", "write it like 4096, 256KiB, 2MiB or 1.5GiB"
        )
    return int(Fraction(match[1]) * UNITS[match[2].lower()])


def format_bytes(count: int) -> str:
    """`512B`, `2MiB`, `3.1MiB`: for `parse_bytes`; one decimal, rounded up, never too few."""
    for name in ("TiB", "GiB", "MiB", "KiB"):
        unit = UNITS[name.lower()]
        if count >= unit:
            whole, tenth = divmod(-(-count * 10 // unit), 10)
            return f"{whole}.{tenth}{name}" if tenth else f"{whole}{name}"
    return f"{count}B"
