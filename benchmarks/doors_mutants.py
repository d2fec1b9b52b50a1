"""Damage done to a file: bits flipped, numbers made huge, cut short, parts moved, deep nesting."""

from __future__ import annotations

import random
import re
from collections.abc import Callable


def flip(data: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def replace(data: bytearray, dice: random.Random) -> bytearray:
    """A few bytes become the largest or the least there are."""
    at = dice.randrange(len(data))
    size = dice.choice((1, 2, 4, 8))
    data[at : at + size] = dice.choice((b"\xff", b"\x7f", b"\x00", b"\x80")) * size
    return data


def cut(data: bytearray, dice: random.Random) -> bytearray:
    return data[: dice.randrange(len(data))]


def move(data: bytearray, dice: random.Random) -> bytearray:
    """A part again at another place, or instead of what is there."""
    start, size = dice.randrange(len(data)), dice.choice((4, 16, 64, 1024))
    at = dice.randrange(len(data))
    data[at : at + dice.choice((0, size))] = data[start : start + size]
    return data


def enlarge(data: bytearray, dice: random.Random) -> bytearray:
    """A number of a text, or a varint, becomes huge."""
    digits = [i for i in range(len(data)) if 48 <= data[i] <= 57]
    if not digits:
        return replace(data, dice)
    at = dice.choice(digits)
    data[at : at + 1] = dice.choice((b"0", b"-1", b"999999999", b"9223372036854775807", b"1" * 40))
    return data


def resize(data: bytearray, dice: random.Random) -> bytearray:
    """A number becomes another wherever it stands: a text may still be consistent."""
    numbers = re.findall(rb"\d+", bytes(data))
    if not numbers:
        return replace(data, dice)
    new = dice.choice((b"0", b"1", b"7", b"65536", b"100000000", b"9223372036854775807"))
    old = re.escape(dice.choice(numbers))
    return bytearray(re.sub(rb"(?<!\d)" + old + rb"(?!\d)", new, bytes(data)))


def nest(data: bytearray, dice: random.Random) -> bytearray:
    """Brackets, or one message's head, many times over."""
    at = dice.randrange(len(data))
    head = bytes(data[at : at + 4])
    data[at:at] = dice.choice(
        (b"(", b"{", b"[", b"tensor<", b"\x3a\x7f", b"\x0a\x7f", head)
    ) * dice.choice((100, 10_000))
    return data


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    *(flip, flip, replace, cut, move, enlarge, enlarge, resize, nest),
)


def damaged(content: bytes, dice: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        if data:
            data = dice.choice(MUTATIONS)(data, dice)
    return bytes(data)
