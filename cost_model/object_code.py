"""Bytes of machine code in a serialised XLA:CPU executable: the `.text` and
`.ltext` sections of its ELF objects.

What XLA calls from its own libraries (large matrix products, most convolutions) is in no object
and counts nothing. Other platforms' executables hold no ELF objects that this reader knows: 0.
Layout of ELF64: System V ABI, "Object Files" (e_shoff at 40, e_shentsize at 58, e_shnum at 60,
e_shstrndx at 62; sh_name at 0, sh_offset at 24, sh_size at 32 of a section header).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_CODE = (b".text", b".ltext")
_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian


def code_bytes(serialized: bytes) -> int:
    """Sum over the objects in it."""
    return sum(_text_bytes(serialized[start:]) for start in _objects(serialized))


def _objects(serialized: bytes) -> Iterator[int]:
    start = serialized.find(_MAGIC)
    while start >= 0:
        yield start
        start = serialized.find(_MAGIC, start + 1)


def _text_bytes(data: bytes) -> int:
    try:
        (table,) = struct.unpack_from("<Q", data, 40)
        size, count, names = struct.unpack_from("<HHH", data, 58)
        name_table = _section(data, table + names * size)[1]
        total = 0
        for index in range(count):
            name, offset, length = _section(data, table + index * size)
            label = data[name_table + name : name_table + name + 6]
            total += length if label.startswith(_CODE) and offset + length <= len(data) else 0
    except struct.error:
        return 0
    return total


def _section(data: bytes, at: int) -> tuple[int, int, int]:
    """Name, offset and size of a section header."""
    (name,) = struct.unpack_from("<I", data, at)
    offset, length = struct.unpack_from("<QQ", data, at + 24)
    return name, offset, length
