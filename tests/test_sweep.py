"""Sweeps: sizes, knees, one set of rows from every engine, no case run twice."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import sweep as benchmark
from cosmalloc.errors import InputError
from cosmalloc.interchange import write_problem
from cosmalloc.plan import Objective
from cosmalloc.solve import solve
from cosmalloc.sweep import Cache, Case, Row, knees, sizes_in, sweep
from cosmalloc.sweep import case as case_door
from cosmalloc.sweep import engines as engines_door
from cosmalloc.sweep.chart import draw
from cosmalloc.sweep.knee import knee_of
from cosmalloc.sweep.tables import COLUMNS, csv_text, parquet_bytes
from tests.command import cosmalloc
from tests.nets import chain

SIZES = (4_096, 8_192, 12_288, 16_384, 24_576, 32_768)
NET, OTHER = chain(40, seed=2), replace(chain(25, seed=5), name="other")


def cases(objective: Objective = "traffic") -> list[Case]:
    return [Case(net, size, "greedy", objective) for net in (NET, OTHER) for size in SIZES]


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


@pytest.mark.parametrize("objective", ["traffic", "latency"])
def test_two_processes_give_the_rows_of_one(objective: Objective) -> None:
    alone = sweep(cases(objective), engine="serial")
    assert sweep(cases(objective), engine="processes", workers=2) == alone


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray_gives_the_rows_of_one_process() -> None:
    work = cases()[:4]
    assert sweep(work, engine="ray", workers=2) == sweep(work, engine="serial")


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


def test_finished_rows_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    ran: list[int] = []
    real = engines_door.measure

    def counted(case: Case, key: str) -> Row:
        if len(ran) == 5:
            raise KeyboardInterrupt
        ran.append(case.scratchpad)
        return real(case, key)

    monkeypatch.setattr(engines_door, "measure", counted)
    with pytest.raises(KeyboardInterrupt):
        sweep(cases(), engine="serial", cache=cache)
    assert len(list(tmp_path.rglob("*.json"))) == 5
    monkeypatch.setattr(engines_door, "measure", real)
    told: list[bool] = []
    rows = sweep(cases(), engine="serial", cache=cache, done=lambda _row, known: told.append(known))
    assert told == [True] * 5 + [False] * 7
    assert rows == sweep(cases(), engine="serial")


def test_a_damaged_row_counts_as_missing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (row,) = sweep(cases()[3:4], engine="serial", cache=cache)
    (path,) = tmp_path.rglob("*.json")
    assert cache.get(row.key) == row
    for damage in ("", "{", "[]", "{}", json.dumps({**row.to_json(), "key": "0"}), '{"a": 1}'):
        path.write_text(damage)
        assert cache.get(row.key) is None
    assert sweep(cases()[3:4], engine="serial", cache=cache) == [row]
    assert cache.get(row.key) == row


KILLED = """
import sys, time
from pathlib import Path
from cosmalloc.sweep import Cache, Case, case, sweep
from tests.nets import chain
case.fingerprint = lambda: "the code of this test"
net = chain(40, seed=2)
cases = [Case(net, 64 * k, "greedy") for k in range(100, 160)]
sweep(cases, engine="serial", cache=Cache(sys.argv[1]))
"""


def test_a_killed_sweep_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_door, "fingerprint", lambda: "the code of this test")
    root = Path(__file__).parent.parent
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    while child.poll() is None and len(list(tmp_path.rglob("*.json"))) < 10:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = len(list(tmp_path.rglob("*.json")))
    assert kept >= 10
    told: list[bool] = []
    net = chain(40, seed=2)
    work = [Case(net, 64 * k, "greedy") for k in range(100, 160)]
    sweep(work, engine="serial", cache=Cache(tmp_path), done=lambda _, known: told.append(known))
    assert sum(told) == kept
    assert len(told) == 60


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


def test_the_command_sweeps_and_marks_the_knee(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", NET)
    words = ("sweep", tmp_path / "p.json", "--scratchpad", "4KiB..32KiB", "--points", "5")
    words = (*words, "--solver", "greedy", "--engine", "serial", "--cache", tmp_path / "rows")
    done = cosmalloc(*words, "--csv", tmp_path / "rows.csv")
    assert done.code == 0
    assert "knee: the size farthest below the line" in done.out
    assert "traffic" in done.out
    answer = cosmalloc(*words, "--json").json
    assert len(answer["rows"]) == 5
    assert {knee["measure"] for knee in answer["knees"]} == {"traffic", "latency"}
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 6
    assert len(list((tmp_path / "rows").rglob("*.json"))) == 5


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--engine", "spark"), "there is no engine `spark`"),
        (("--solver", "greedy,magic"), "there is no solver `magic`"),
        (("--picture", "x.gif"), "--picture x.gif ends in none of .png, .svg, .pdf"),
        (("--cache", "x", "--no-cache"), "--cache and --no-cache exclude each other"),
        (("--scratchpad", "2..1"), "the range of sizes `2..1` is empty"),
        (("--seconds", "-1"), "a solver can't have -1.0 seconds"),
    ],
)
def test_a_wrong_sweep_is_named(tmp_path: Path, words: tuple[str, ...], fact: str) -> None:
    write_problem(tmp_path / "p.json", NET)
    done = cosmalloc("sweep", tmp_path / "p.json", *words)
    assert done.code == 2
    assert fact in done.err


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", NET)
    done = cosmalloc("sweep", tmp_path / "p.json", tmp_path / "p.json", "--no-cache")
    assert done.code == 2
    assert "two of the models have one name" in done.err


def test_without_any_plan_the_exit_is_1(tmp_path: Path) -> None:
    write_problem(tmp_path / "p.json", NET)
    words = ("--scratchpad", "64,128", "--no-cache", "--engine", "serial")
    assert cosmalloc("sweep", tmp_path / "p.json", *words).code == 1


@pytest.mark.parametrize(
    ("words", "fact", "hint"),
    [
        (("--engine", "ray"), "the engine `ray` needs Ray", "pip install 'cosmalloc[ray]'"),
        (("--parquet", "rows.parquet"), "parquet needs pyarrow", "or write --csv"),
        (("--picture", "sweep.png"), "a picture needs matplotlib", "pip install matplotlib"),
    ],
)
def test_what_is_not_installed_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    fact: str,
    hint: str,
) -> None:
    for name in ("ray", "pyarrow", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.chdir(tmp_path)
    write_problem(tmp_path / "p.json", NET)
    sizes = ("--scratchpad", "8KiB,16KiB", "--no-cache", "--solver", "greedy")
    engine = () if "--engine" in words else ("--engine", "serial")
    done = cosmalloc("sweep", "p.json", *sizes, *engine, *words)
    assert done.code == 2
    assert fact in done.err
    assert hint in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]
