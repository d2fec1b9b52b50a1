"""Open dimensions of TFLite files are those of the shapes; what is damaged stays as it is."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

import pytest

from cosmalloc.passes.tflite_shapes import fixed

Shapes = Sequence[tuple[Sequence[int], Sequence[int] | None]]


class File:
    """Bytes of a flatbuffer, written from front to back: a table, then what it points to."""

    def __init__(self) -> None:
        self.data = bytearray()

    def table(self, fields: Sequence[int], count: int) -> dict[int, int]:
        """A table whose `fields`, of so many, are offsets; where each of them stands."""
        slots = [4 + 4 * fields.index(k) if k in fields else 0 for k in range(count)]
        names = len(self.data)
        self.data += struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * len(fields), *slots)
        self.data += b"\0" * (-len(self.data) % 4)
        self.start = len(self.data)
        self.data += struct.pack("<i", self.start - names) + b"\0" * 4 * len(fields)
        return {k: self.start + slots[k] for k in fields}

    def point(self, at: int, to: int | None = None) -> None:
        """Writes an offset to what stands at `to`, or comes next."""
        struct.pack_into("<I", self.data, at, (len(self.data) if to is None else to) - at)

    def vector(self, numbers: Sequence[int]) -> int:
        """The numbers behind their count; where it stands."""
        start = len(self.data)
        self.data += struct.pack(f"<{1 + len(numbers)}i", len(numbers), *numbers)
        return start


def model(tensors: Shapes, *, share: bool = False) -> bytes:
    """A file of one graph with these (shape, signature). share: all have the first signature."""
    file = File()
    file.data += b"\0\0\0\0TFL3"
    root = file.table([2], 3)
    file.point(0, file.start)
    file.point(root[2])
    graphs = file.vector([0])
    graph = file.table([0], 1)
    file.point(graphs + 4, file.start)
    file.point(graph[0])
    places = file.vector([0] * len(tensors))
    waiting = []
    for k, (shape, signature) in enumerate(tensors):
        fields = file.table([0] if signature is None else [0, 7], 8)
        file.point(places + 4 + 4 * k, file.start)
        file.point(fields[0])
        file.vector(shape)
        waiting += [(fields[7], signature)] if signature is not None else []
        while waiting and not share:
            place, numbers = waiting.pop()
            file.point(place)
            file.vector(numbers)
    for place, _ in waiting:
        file.point(place)
    if waiting:
        file.vector(waiting[0][1])
    return bytes(file.data)


def test_open_dimensions_become_those_of_the_shape() -> None:
    opened = model([((1, 4, 4), (-1, 4, 4)), ((1, 1), (-1, -1)), ((3,), None)])
    assert fixed(opened) == model([((1, 4, 4), (1, 4, 4)), ((1, 1), (1, 1)), ((3,), None)])


@pytest.mark.parametrize(
    ("tensors", "share"),
    [
        ([((1, 4), (1, 4)), ((7,), None)], False),
        ([((1, 4), (-1, 5))], False),
        ([((1, 4), (-1,))], False),
        ([((1, 4), (-1, 4)), ((2, 4), (-1, 4))], True),
    ],
    ids=["nothing open", "another shape", "another rank", "one signature for two shapes"],
)
def test_a_file_stays_as_it_is_where_nothing_can_be_fixed(tensors: Shapes, share: bool) -> None:
    content = model(tensors, share=share)
    assert fixed(content) == content


def test_one_signature_for_equal_shapes_is_fixed() -> None:
    content = model([((1, 4), (-1, 4)), ((1, 4), (-1, 4))], share=True)
    assert fixed(content) == model([((1, 4), (1, 4)), ((1, 4), (1, 4))], share=True)


def test_damaged_files_keep_their_length_and_raise_nothing() -> None:
    sound = model([((1, 4, 4), (-1, 4, 4)), ((1, 1), (-1, -1))])
    for length in range(len(sound)):
        assert len(fixed(sound[:length])) == length
    dice = random.Random(0)
    for _ in range(3000):
        damaged = bytearray(sound)
        for _ in range(dice.choice((1, 2, 8))):
            damaged[dice.randrange(len(damaged))] = dice.choice((0, 1, 4, 127, 128, 255))
        assert len(fixed(bytes(damaged))) == len(sound)
