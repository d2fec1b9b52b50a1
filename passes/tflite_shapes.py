"""Open dimensions of a TFLite file, fixed as its own runtime fixes them.

A tensor has a `shape`, and where some of it is open a `shape_signature` with -1 there (table
`Tensor` of TFLite's schema, fields 0 and 7). The runtime runs the `shape` until somebody asks for
another; the converter to TOSA goes by the signature, and ends the process on some that are open.
So the numbers of the shape are written over those of the signature, byte by byte: nothing moves.
"""

from __future__ import annotations

import struct

_MODEL_SUBGRAPHS, _SUBGRAPH_TENSORS, _TENSOR_SHAPE, _TENSOR_SIGNATURE = 2, 0, 0, 7
OPEN = -1


def fixed(content: bytes) -> bytes:
    """The file with every signature as its shape; as it is where that can't be done."""
    data = bytearray(content)
    written: dict[int, int] = {}
    try:
        for shape, signature in _shapes(content):
            for at, value in zip(signature, shape, strict=True):
                number = _int(content, value)
                if _int(content, at) == OPEN and written.setdefault(at, number) == number:
                    struct.pack_into("<i", data, at, number)
                elif _int(content, at) != number:
                    return content
    except (struct.error, ValueError, RecursionError):
        return content  # what is damaged is the converter's to say
    return bytes(data)


def _shapes(data: bytes) -> list[tuple[range, range]]:
    """Places of the numbers of a tensor's shape and of its signature, for every one that has it."""
    found = []
    for graph in _tables(data, _follow(data, 0), _MODEL_SUBGRAPHS):
        for tensor in _tables(data, graph, _SUBGRAPH_TENSORS):
            signature = _numbers(data, tensor, _TENSOR_SIGNATURE)
            if signature:
                found.append((_numbers(data, tensor, _TENSOR_SHAPE), signature))
    return found


def _tables(data: bytes, table: int, field: int) -> list[int]:
    return [_follow(data, at) for at in _numbers(data, table, field)]


def _numbers(data: bytes, table: int, field: int) -> range:
    """Places of the numbers, 4 bytes each, of the vector that a table holds, if it holds one."""
    place = _field(data, table, field)
    if not place:
        return range(0)
    vector = _follow(data, place)
    count = _int(data, vector)
    if not 0 <= count <= len(data) // 4:
        raise ValueError(count)
    return range(vector + 4, vector + 4 + 4 * count, 4)


def _field(data: bytes, table: int, field: int) -> int:
    """Where a field of a table stands, 0 if it is absent."""
    names = table - _int(data, table)
    (size,) = struct.unpack_from("<H", data, names)
    if 4 + 2 * field >= size:
        return 0
    (offset,) = struct.unpack_from("<H", data, names + 4 + 2 * field)
    return table + offset if offset else 0


def _follow(data: bytes, at: int) -> int:
    (offset,) = struct.unpack_from("<I", data, at)
    return int(at + offset)


def _int(data: bytes, at: int) -> int:
    if at < 0:
        raise ValueError(at)
    (number,) = struct.unpack_from("<i", data, at)
    return int(number)
