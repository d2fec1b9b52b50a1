"""`cosmalloc sweep`: what it prints, writes and refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cosmalloc.interchange import write_problem
from tests.command import cosmalloc
from tests.sweep_cases import NET


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
