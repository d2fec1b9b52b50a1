"""Greedy placement and the standing allocation against a naive judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc import native
from cosmalloc.errors import InputError

Row = tuple[int, int, int, int]  # lower, upper, size, offset


def clashes(rows: list[Row]) -> list[tuple[int, int]]:
    """Pairs that share a byte in one step, by definition."""
    return [
        (i, j)
        for i, a in enumerate(rows)
        for j, b in enumerate(rows[:i])
        if max(a[0], b[0]) < min(a[1], b[1]) and max(a[3], b[3]) < min(a[3] + a[2], b[3] + b[2])
    ]


buffers = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 6), st.integers(1, 9)), max_size=12
).map(lambda rows: [(lower, lower + steps, size) for lower, steps, size in rows])


@given(buffers, st.sampled_from(native.ORDERS), st.sampled_from(native.FITS), st.integers(1, 4))
def test_no_order_and_no_fit_lets_two_buffers_share_a_byte(
    rows: list[tuple[int, int, int]], order: native.Order, fit: native.Fit, alignment: int
) -> None:
    lower, upper, size = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    placed = native.place(lower, upper, size, alignment=alignment, order=order, fit=fit)
    whole = [(*row, int(at)) for row, at in zip(rows, placed.offsets, strict=True)]
    assert clashes(whole) == []
    assert placed.unplaced == 0
    assert all(at % alignment == 0 for at in placed.offsets)
    assert placed.peak == max(
        (at + s for (_, _, s), at in zip(rows, placed.offsets, strict=True)), default=0
    )
    assert placed.peak >= native.load_bound(lower, upper, size, alignment=alignment)


@given(buffers)
def test_the_load_is_the_sum_of_sizes_alive(rows: list[tuple[int, int, int]]) -> None:
    lower, upper, size = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    expected = [sum(s for a, b, s in rows if a <= step < b) for step in range(20)]
    assert native.load(lower, upper, size, steps=20).tolist() == expected
    assert native.load_bound(lower, upper, size) == max(expected)


@settings(deadline=None)
@given(st.data())
def test_the_standing_allocation_agrees_with_a_list(data: st.DataObject) -> None:
    standing = native.Allocation(alignment=2)
    rows: dict[int, Row] = {}
    for key in range(data.draw(st.integers(0, 25))):
        gone = data.draw(st.integers(0, 2 * key + 1))
        if gone in rows:
            standing.remove(gone)
            del rows[gone]
        lower = data.draw(st.integers(0, 10))
        upper = lower + data.draw(st.integers(1, 6))
        size = data.draw(st.integers(1, 9))
        offset = standing.insert(key, lower, upper, size, capacity=30)
        free = [
            at
            for at in range(0, 31 - size, 2)
            if clashes([*rows.values(), (lower, upper, size, at)]) == []
        ]
        assert offset == (free[0] if free else -1)
        for at in range(0, 31, 2):
            taken = clashes([*rows.values(), (lower, upper, size, at)]) != []
            if offset < 0:
                assert standing.is_free(lower, upper, at, size) != taken
        if offset >= 0:
            rows[key] = (lower, upper, size, offset)
            assert standing.offset_of(key) == offset
        assert standing.peak == max((at + s for _, _, s, at in rows.values()), default=0)
        assert sorted(rows) == standing.alive(0, 99).tolist()


def test_a_buffer_that_does_not_fit_stays_out() -> None:
    placed = native.place([0, 0, 2], [2, 2, 4], [6, 5, 7], capacity=10)
    assert placed.offsets.tolist() == [0, -1, 0]
    assert (placed.unplaced, placed.peak) == (1, 7)


def test_touching_is_legal_and_one_byte_less_is_not() -> None:
    standing = native.Allocation()
    standing.insert_at(0, 0, 4, 10, 0)
    assert standing.is_free(0, 4, 10, 5)
    assert not standing.is_free(0, 4, 9, 5)
    assert standing.is_free(4, 8, 0, 5)
    assert not standing.is_free(3, 8, 0, 5)


def test_fixed_buffers_stay_and_groups_and_gaps_share() -> None:
    placed = native.place(
        [0, 0, 1, 0], [4, 4, 3, 2], [4, 4, 4, 4], fixed=[-1, 4, -1, -1], alias=[0, -1, -1, 0],
        gaps=[(1, 1, 3)], order="given",
    )  # fmt: skip
    assert placed.offsets.tolist() == [0, 4, 4, 0]


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (([0], [3], [-1]), "buffer 0 has -1 bytes, not 0 to 2^40"),
        (([0], [3, 4], [1]), "arrays of 1 and 2 entries for the same buffers"),
        (([5], [3], [1]), "buffer 0 has lifetime [5, 3), which ends before it starts"),
        (([0.5], [3], [1]), "`lower` has type float64, not whole numbers below 2**63"),
        (([[0]], [3], [1]), "`lower` has 2 dimensions, not 1"),
    ],
)  # fmt: skip
def test_a_bad_problem_is_refused_with_its_fact(
    arguments: tuple[list[int], ...], fact: str
) -> None:
    with pytest.raises(InputError) as fault:
        native.place(*arguments)
    assert fault.value.fact == fact


def test_a_long_tiling_trace_is_packed_within_3_percent_of_its_load() -> None:
    random = np.random.default_rng(0)
    lower, upper, size = [], [], []
    for bytes_ in random.integers(1, 10**5, 60).tolist():  # a lane, filled back to back
        ends = np.cumsum(random.integers(1, 100, 1000))
        lower.append(np.r_[0, ends[:-1]])
        upper.append(ends)
        size.append(np.full(len(ends), bytes_))
    buffers = [np.concatenate(column) for column in (lower, upper, size)]
    placed = native.portfolio(*buffers)
    assert placed.unplaced == 0
    assert placed.peak <= 1.03 * native.load_bound(*buffers)
    order = np.lexsort((placed.offsets, buffers[0]))
    standing = native.Allocation()
    for i in order[:3000].tolist():  # refuses a byte that is taken
        start, stop, amount = (int(column[i]) for column in buffers)
        standing.insert_at(i, start, stop, amount, int(placed.offsets[i]))
