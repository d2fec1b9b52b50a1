"""Protocol buffers' wire format, as far as an ONNX file needs it.

A message is a run of fields, each a key `(number << 3) | wire type` and a value: 0 a varint, 1
eight bytes, 2 a length and so many bytes, 5 four bytes
(https://protobuf.dev/programming-guides/encoding). What a number means stands in a schema.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cosmalloc.errors import InputError

DEPTH = 60  # of messages within messages
Kind = Literal[
    "int", "ints", "float", "floats", "double", "doubles", "text", "texts", "raw", "raws"
]


class WireError(InputError):
    """The bytes are no message of this schema."""


@dataclass(frozen=True, slots=True)
class Field:
    """name: in the Python message. kind: how a value is read; a schema: a message within."""

    name: str
    kind: Kind | Schema
    many: bool = False  # of messages


@dataclass(slots=True)
class Schema:
    """name: of the message, for errors. fields: by number."""

    name: str
    fields: dict[int, Field] = field(default_factory=dict)


Message = dict[str, Any]


def parse(data: memoryview, schema: Schema, depth: int = 0) -> Message:
    """The fields that the schema names; others are skipped. Raises WireError."""
    if depth > DEPTH:
        raise WireError(f"messages are nested more than {DEPTH} deep")
    message: Message = {}
    for number, wire, value in _fields(data, schema.name):
        known = schema.fields.get(number)
        if known is not None:
            _take(message, known, wire, value, schema.name, depth)
    return message


def _fields(data: memoryview, name: str) -> Iterator[tuple[int, int, Any]]:
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at, name)
        number, wire = key >> 3, key & 7
        value: Any
        if wire == 0:
            value, at = varint(data, at, name)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = data[at : at + size], at + size
        elif wire == 2:
            size, at = varint(data, at, name)
            value, at = data[at : at + size], at + size
        else:
            raise WireError(f"a field of `{name}` has wire type {wire}, which is not used")
        if at > end:
            raise WireError(f"`{name}` ends in the middle of field {number}")
        yield number, wire, value


def varint(data: memoryview, at: int, name: str) -> tuple[int, int]:
    """(value, place behind it)"""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
        shift += 7
    raise WireError(f"`{name}` ends in the middle of a number")


def _take(message: Message, known: Field, wire: int, value: Any, owner: str, depth: int) -> None:
    name, kind = known.name, known.kind
    if isinstance(kind, Schema):
        if wire != 2:
            raise WireError(f"`{owner}.{name}` is no message")
        inner = parse(value, kind, depth + 1)
        if known.many:
            message.setdefault(name, []).append(inner)
        else:
            message[name] = {**message.get(name, {}), **inner}
        return
    found = _values(
        kind.removesuffix("s") if kind != "raws" else "raw", wire, value, f"{owner}.{name}"
    )
    if kind in ("ints", "floats", "doubles", "texts", "raws"):
        message.setdefault(name, []).extend(found)
    elif found:
        message[name] = found[-1]


def _values(kind: str, wire: int, value: Any, place: str) -> list[Any]:
    """Values of one field: several where numbers are packed."""
    if kind in ("text", "raw") and wire == 2:
        return [value] if kind == "raw" else [_text(value, place)]
    if kind == "int" and wire in (0, 2):
        return [_signed(value)] if wire == 0 else _packed_ints(value, place)
    if kind == "float" and wire in (2, 5):
        return _packed(value, np.dtype("<f4"), place)
    if kind == "double" and wire in (1, 2):
        return _packed(value, np.dtype("<f8"), place)
    raise WireError(f"`{place}` is stored as wire type {wire}, which is no {kind}")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _packed_ints(data: memoryview, place: str) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = varint(data, at, place)
        found.append(_signed(value))
    return found


def _packed(data: memoryview, kind: np.dtype[Any], place: str) -> list[Any]:
    if len(data) % kind.itemsize:
        raise WireError(f"`{place}` holds {len(data)} bytes, no multiple of {kind.itemsize}")
    return [each for (each,) in struct.iter_unpack("<f" if kind.itemsize == 4 else "<d", data)]


def _text(value: memoryview, place: str) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise WireError(f"`{place}` is no UTF-8 text") from None


def schema(name: str, fields: Mapping[int, tuple[str, Kind | Schema]], *many: str) -> Schema:
    """A schema; `many` names the fields that hold several messages."""
    return Schema(name, {n: Field(f, kind, f in many) for n, (f, kind) in fields.items()})
