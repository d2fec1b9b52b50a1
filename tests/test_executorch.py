"""The planner for ExecuTorch, on specs of our own: any object with the fields will do."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc import InputError
from cosmalloc.executorch import Buffer, MemoryPlanner, pack

ALIGNMENT = 16


@dataclass(eq=False)
class Spec:
    """What a planner sees of ExecuTorch's TensorSpec."""

    bytes: int
    lifetime: list
    mem_id: int | None = None
    storage_base: "Spec | None" = None
    storage_base_offset: int = 0
    alignment: int = 1
    mem_offset: int | None = None
    mem_obj_id: int | None = None
    children: list = field(default_factory=list)

    @property
    def allocated_memory(self):
        return -(-self.bytes // self.alignment) * self.alignment

    def realign(self, alignment):
        self.alignment = alignment
        return self.allocated_memory


def touch(one, other):
    """Whether they share a byte of one memory."""
    return (
        one.mem_id == other.mem_id
        and one.mem_offset < other.mem_offset + other.allocated_memory
        and other.mem_offset < one.mem_offset + one.allocated_memory
    )


def together(one, other):
    """Whether both are alive in some step; lifetimes are inclusive at both ends."""
    return one.lifetime[0] <= other.lifetime[1] and other.lifetime[0] <= one.lifetime[1]


@st.composite
def specs(draw):
    found = []
    for _ in range(draw(st.integers(0, 14))):
        first = draw(st.integers(0, 12))
        life = [first, first + draw(st.integers(0, 6))]
        found.append(Spec(draw(st.integers(0, 200)), life, draw(st.sampled_from([None, 1, 3]))))
    return found


@settings(max_examples=60, deadline=None)
@given(specs(), st.lists(st.integers(0, 5).map(lambda n: n * ALIGNMENT), max_size=5))
def test_specs_alive_at_once_share_no_byte_and_lie_in_their_memory(given, taken):
    graph = SimpleNamespace(input_mem_buffer_sizes=taken)
    sizes = MemoryPlanner(seconds=0.05)(ALIGNMENT, given, graph)
    assert sizes[0] == 0
    assert len(sizes) >= 2
    for place, one in enumerate(given):
        assert one.mem_offset % ALIGNMENT == 0
        assert one.mem_offset >= (taken[one.mem_id] if one.mem_id < len(taken) else 0)
        assert one.mem_offset + one.allocated_memory <= sizes[one.mem_id]
        for other in given[place + 1 :]:
            if one.bytes and other.bytes and touch(one, other):
                assert not together(one, other)
                assert one.mem_obj_id == other.mem_obj_id


def test_lifetimes_are_inclusive_touching_ones_share_nothing():
    one, other, later = Spec(64, [0, 2]), Spec(64, [2, 4]), Spec(64, [3, 5])
    assert MemoryPlanner()(ALIGNMENT, [one, other, later], SimpleNamespace()) == [0, 128]
    assert one.mem_offset == later.mem_offset != other.mem_offset


def test_the_size_is_the_bound_where_shared_objects_would_waste():
    given = [Spec(96, [0, 1]), Spec(48, [1, 2]), Spec(48, [2, 3]), Spec(64, [2, 4])]
    told = []
    sizes = MemoryPlanner(told=told.append)(ALIGNMENT, given, SimpleNamespace())
    assert sizes == [0, 160]
    assert told[0].bound == {1: 160}


def test_memories_have_addresses_and_sizes_of_their_own():
    given = [Spec(32, [0, 9], mem_id=3), Spec(48, [0, 9]), Spec(16, [0, 9], mem_id=3)]
    assert MemoryPlanner()(ALIGNMENT, given, SimpleNamespace()) == [0, 48, 0, 48]
    assert [spec.mem_id for spec in given] == [3, 1, 3]


def test_what_inner_graphs_take_comes_first_and_padding_last():
    given = [Spec(32, [0, 1])]
    graph = SimpleNamespace(input_mem_buffer_sizes=[0, 160, 64])
    assert MemoryPlanner()(ALIGNMENT, given, graph, None, 64) == [0, 256, 64]
    assert given[0].mem_offset == 160


def test_a_spec_inside_another_keeps_it_alive_and_lies_where_it_says():
    base = Spec(128, [0, 1])
    middle = Spec(64, [2, 5], storage_base=base, storage_base_offset=64)
    inner = Spec(16, [6, 7], storage_base=middle, storage_base_offset=32)
    other = Spec(32, [7, 8])
    sizes = MemoryPlanner()(ALIGNMENT, [inner, other, middle, base], SimpleNamespace())
    assert sizes == [0, 160]
    assert middle.mem_offset == base.mem_offset + 64
    assert inner.mem_offset == base.mem_offset + 96
    assert not touch(base, other)
    assert base.mem_obj_id == middle.mem_obj_id == inner.mem_obj_id


def test_nothing_to_plan_is_two_empty_memories():
    assert MemoryPlanner()(ALIGNMENT, [], SimpleNamespace()) == [0, 0]


def test_the_same_specs_get_the_same_offsets():
    def offsets():
        given = [Spec(16 * (i % 5 + 1), [i, i + i % 3]) for i in range(20)]
        MemoryPlanner(seed=3)(ALIGNMENT, given, SimpleNamespace())
        return [spec.mem_offset for spec in given]

    assert offsets() == offsets()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([Spec(16, [None, None])], "has no lifetime"),
        ([Spec(16, [0, 1], storage_base=Spec(16, [0, 1]))], "is not planned here"),
    ],
)
def test_unsound_specs_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        MemoryPlanner()(ALIGNMENT, given, SimpleNamespace())


def test_a_spec_too_large_for_what_it_lies_in_is_refused():
    base = Spec(32, [0, 1])
    inner = Spec(32, [0, 1], storage_base=base, storage_base_offset=16)
    with pytest.raises(InputError, match="ends at byte 48 of what it lies in, which has 32"):
        MemoryPlanner()(ALIGNMENT, [base, inner], SimpleNamespace())
    base.storage_base = inner
    with pytest.raises(InputError, match="lies in itself"):
        MemoryPlanner()(ALIGNMENT, [base, inner], SimpleNamespace())


def test_negative_seconds_are_refused():
    with pytest.raises(InputError, match="can't have -1 seconds"):
        MemoryPlanner(-1)


def test_each_memory_is_packed_to_its_bound():
    found = pack([Buffer(0, 2, 64), Buffer(1, 3, 32, 2), Buffer(2, 3, 64)], 1, seconds=1.0)
    assert found.peak == found.bound == {1: 64, 2: 32}
    assert found.offsets == (0, 0, 0)
