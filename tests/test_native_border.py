"""The binding border: whatever comes in, an answer or an InputError comes out."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc import native
from cosmalloc.errors import InputError

wild = st.one_of(
    st.integers(-3, 9),
    st.sampled_from([2**31, 2**40, 2**40 + 1, 2**50, 2**60, 2**63 - 1, -(2**63), 2**63, 2**70]),
)
arrays = st.one_of(
    st.lists(wild, max_size=5),
    st.lists(st.floats(), max_size=3),
    st.lists(st.lists(wild, max_size=2), max_size=2),
    st.sampled_from([None, "x", 3, [None], [True], np.zeros((2, 2)), np.array([1, 2], np.uint8)]),
    st.lists(st.integers(0, 9), max_size=5).map(lambda v: np.array(v, dtype=np.int32)[::-1]),
)
sane = st.integers(0, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
        st.lists(st.integers(6, 9), min_size=n, max_size=n),
        st.lists(st.integers(0, 9), min_size=n, max_size=n),
    )
)
gaps = st.lists(st.tuples(wild, wild, wild), max_size=2)


@settings(max_examples=300, deadline=None)
@given(
    columns=st.one_of(sane, st.tuples(arrays, arrays, arrays)),
    alignment=st.one_of(wild, arrays),
    fixed=arrays,
    alias=arrays,
    gap_rows=gaps,
    capacity=st.one_of(st.none(), wild),
    seed=wild,
    threads=st.integers(-1, 3),
)
def test_anything_gets_an_answer_or_a_reason(
    columns: tuple[Any, Any, Any], alignment: Any, fixed: Any, alias: Any, gap_rows: Any,
    capacity: Any, seed: int, threads: int,
) -> None:  # fmt: skip
    features = {"alignment": alignment, "fixed": fixed, "alias": alias, "gaps": gap_rows}
    for call in (
        lambda: native.place(*columns, **features, capacity=capacity),
        lambda: native.portfolio(*columns, **features, capacity=capacity),
        lambda: native.load_bound(*columns, **features),
        lambda: native.load(*columns),
        lambda: native.fit(*columns, capacity=capacity or 0, **features, seconds=0.05, seed=seed),
        lambda: native.minimize(*columns, **features, seconds=0.05, threads=threads),
    ):
        with contextlib.suppress(InputError):
            call()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ifpracz"), wild, wild, wild, wild, wild), max_size=12))
def test_no_sequence_of_calls_breaks_the_standing_allocation(calls: list[Any]) -> None:
    standing = native.Allocation()
    for call, key, lower, upper, size, offset in calls:
        with contextlib.suppress(InputError):
            match call:
                case "i":
                    standing.insert(key, lower, upper, size, offset)
                case "f":
                    standing.find(lower, upper, size, offset, "best")
                case "p":
                    standing.insert_at(key, lower, upper, size, offset)
                case "r":
                    standing.remove(key)
                case "a":
                    standing.is_free(lower, upper, offset, size)
                case "c":
                    standing = standing.copy()
                case "z":
                    standing.alive(lower, upper)
    assert standing.peak >= 0
    assert len(standing) <= len(calls)


def test_arrays_that_fit_are_read_in_place_and_never_written() -> None:
    lower, upper, size = (np.array(v, dtype=np.int64) for v in ([0, 1], [3, 4], [5, 6]))
    for array in (lower, upper, size):
        array.setflags(write=False)
    assert native.minimize(lower, upper, size).peak == 11
    strided = np.arange(8, dtype=np.int64)[::4]
    assert native.place(strided, strided + 9, strided + 1).peak == 6


@pytest.mark.skipif(not importlib.util.find_spec("nanobind"), reason="stubgen comes with nanobind")
def test_the_committed_stub_is_what_stubgen_writes(tmp_path: Path) -> None:
    written = tmp_path / "_native.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "cosmalloc._native"]
    subprocess.run([*command, "-o", str(written)], check=True)
    committed = Path(native.__file__).parents[1] / "_native.pyi"
    assert written.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")
