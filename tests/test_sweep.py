"""Sweeps: sizes, knees, keys, tables, pictures."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import sweep as benchmark
from cosmalloc.errors import InputError
from cosmalloc.solve import solve
from cosmalloc.sweep import Case, Row, knees, sizes_in, sweep
from cosmalloc.sweep import case as case_door
from cosmalloc.sweep.chart import draw
from cosmalloc.sweep.knee import knee_of
from cosmalloc.sweep.tables import COLUMNS, csv_text, parquet_bytes
from tests.sweep_cases import NET, SIZES, cases


def test_a_range_has_equal_ratios_and_both_ends() -> None:
    assert sizes_in("256KiB..16MiB", 7) == tuple(2**k for k in range(18, 25))
    assert sizes_in("1KiB..3KiB", 3, 64) == (1024, 1792, 3072)
    assert sizes_in("2MiB,1MiB,1MiB") == (2**20, 2**21)
    assert sizes_in("1KiB..1KiB", 5) == (1024,)
    assert sizes_in("1KiB..2KiB", 1) == (1024,)


@given(st.integers(1, 10**9), st.integers(1, 50), st.integers(1, 40), st.integers(1, 4096))
def test_sizes_ascend_within_the_range_by_the_alignment(
    low: int, factor: int, points: int, alignment: int
) -> None:
    found = sizes_in(f"{low}..{low * factor}", points, alignment)
    assert list(found) == sorted(set(found))
    assert all(size % alignment == 0 for size in found)
    assert all(low - alignment < size < low * factor + alignment for size in found)


@pytest.mark.parametrize(
    ("words", "points", "fact"),
    [
        ("2MiB..1MiB", 3, "the range of sizes `2MiB..1MiB` is empty"),
        ("0..1MiB", 3, "the range of sizes `0..1MiB` is empty"),
        ("x..1MiB", 3, "`x` is no number of bytes"),
        ("1..2", 0, "a sweep of 0 points is none"),
        ("4096TiB", 1, f"a scratchpad of {2**52} bytes is larger than {2**50}"),
    ],
)
def test_what_is_no_set_of_sizes_is_named(words: str, points: int, fact: str) -> None:
    with pytest.raises(InputError) as caught:
        sizes_in(words, points)
    assert caught.value.fact == fact


def test_the_knee_is_where_the_curve_bends() -> None:
    assert knee_of([(1, 100.0), (2, 10.0), (4, 9.0), (8, 0.0)]) == 1
    assert knee_of([(1, 100.0), (2, 99.0), (4, 5.0), (8, 0.0)]) == 2
    assert knee_of([(1, 7.0), (2, 7.0)]) == 0
    assert knee_of([(5, 3.0)]) == 0
    assert knee_of([(1, 4.0), (2, 8.0), (4, 0.0)]) == 0  # more room never asks for more traffic


def test_rows_are_those_of_solve_and_have_knees() -> None:
    rows = sweep(cases(), engine="serial")
    assert [row.scratchpad for row in rows] == [*SIZES, *SIZES]
    for case, row in zip(cases(), rows, strict=True):
        outcome = solve(case.sized(), solver="greedy")
        assert (row.status, row.value, row.bound) == (outcome.status, outcome.value, outcome.bound)
        if outcome.plan is None:
            assert (row.traffic, row.smallest_scratchpad) == (None, outcome.smallest_scratchpad)
        else:
            assert row.traffic == outcome.value
    assert {(k.model, k.measure) for k in knees(rows)} == {
        (model, measure) for model in ("chain40", "other") for measure in ("traffic", "latency")
    }


def test_the_benchmark_has_every_model_at_every_size() -> None:
    found = benchmark.cases(["cnn", "mlp"], 3, "greedy", "latency", 5.0)
    assert [case.problem.name for case in found] == ["cnn"] * 3 + ["mlp"] * 3
    assert {case.objective for case in found} == {"latency"}
    assert len({case.key() for case in found}) == 6


def test_a_case_has_another_key_for_anything_that_changes_its_row() -> None:
    base = Case(NET, 4_096)
    slower = replace(NET, target=replace(NET.target, offchip_read_bytes_per_second=1e9))
    changes: list[dict[str, Any]] = [
        {"scratchpad": 8_192},
        {"solver": "greedy"},
        {"objective": "latency"},
        {"seconds": 1.0},
        {"seed": 1},
        {"problem": slower},
    ]
    keys = [base.key(), *(replace(base, **change).key() for change in changes)]
    assert len(set(keys)) == len(keys)
    larger = replace(NET, target=replace(NET.target, scratchpad_bytes=99))
    assert replace(base, problem=larger).key() == base.key()  # the size asked about counts


def test_another_code_has_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Case(NET, 4_096).key()
    monkeypatch.setattr(case_door, "fingerprint", lambda: "another")
    assert Case(NET, 4_096).key() != before


def test_tables_hold_every_row(tmp_path: Path) -> None:
    rows = sweep(cases(), engine="serial")
    lines = list(csv.DictReader(csv_text(rows).splitlines()))
    assert [int(line["scratchpad"]) for line in lines] == [row.scratchpad for row in rows]
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "rows.parquet"
    path.write_bytes(parquet_bytes(rows))
    assert [Row.from_json(entry) for entry in parquet.read_table(path).to_pylist()] == rows
    assert tuple(parquet.read_table(path).column_names) == COLUMNS


@pytest.mark.parametrize(
    ("kind", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_a_picture_is_drawn_the_same_twice(kind: str, magic: bytes) -> None:
    pytest.importorskip("matplotlib")
    rows = sweep(cases(), engine="serial")
    first = draw(rows, knees(rows), kind)
    assert first.startswith(magic)
    assert first == draw(rows, knees(rows), kind)
