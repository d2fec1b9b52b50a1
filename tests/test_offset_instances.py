"""The generators of packing problems make what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import offset_instances as make
from benchmarks.offset_peers import overlaps
from benchmarks.offsets import legal
from cosmalloc import native


@pytest.mark.parametrize(
    "instance", [make.hidden(30, 1), make.pinwheels(20, 1), make.nested(40, 1), make.coarse(40, 1)]
)
def test_a_cut_rectangle_is_full_at_every_step_and_fits_again(instance: make.Instance) -> None:
    load = native.load(instance.lower, instance.upper, instance.size)
    assert set(load.tolist()) == {instance.capacity}
    found = native.fit(instance.lower, instance.upper, instance.size, instance.capacity, seconds=60)
    assert found.offsets is not None
    assert legal(instance, found.offsets, instance.capacity)


@pytest.mark.parametrize("instance", [make.staircase(40, 1), make.tiling(500, 1)])
def test_the_capacity_of_a_trace_is_its_largest_load(instance: make.Instance) -> None:
    load = native.load_bound(instance.lower, instance.upper, instance.size)
    assert load <= instance.capacity
    assert len(instance.size) in (40, 500)
    assert (instance.upper > instance.lower).all()


def test_the_judges_of_the_benchmark_see_an_overlap() -> None:
    lower, upper, size = np.array([[0, 1], [2, 3], [4, 4]])
    instance = make.Instance("x", lower, upper, size, capacity=8)
    assert legal(instance, np.array([0, 4]), 8)
    assert not legal(instance, np.array([0, 3]), 8)
    assert not legal(instance, np.array([1, 5]), 8)
    assert overlaps([(0, 2, 4), (1, 3, 4)], [0, 3])
    assert not overlaps([(0, 2, 4), (2, 3, 4)], [0, 3])
