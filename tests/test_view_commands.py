"""`report`, `trace` and the options of `map` and `solve` that show a plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import report_plans
from command import cosmalloc
from trace_format import complaints

from cosmalloc.interchange import write_outcome, write_problem

ARTIFACTS = Path(__file__).parent.parent / "examples/models/artifacts"
VIEWS = ("--report", "--trace", "--picture")
FILES = ("out.html", "out.json", "out.svg")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with problem.json and plan.json."""
    problem, outcome = report_plans.spilling()
    write_problem(tmp_path / "problem.json", problem)
    write_outcome(tmp_path / "plan.json", outcome, problem)
    return tmp_path


def check(folder: Path) -> None:
    """The three files are what they should be."""
    page, trace, picture = (folder / name for name in FILES)
    assert page.read_text().startswith("<!doctype html>")
    assert list(complaints(json.loads(trace.read_text()))) == []
    assert "<svg" in picture.read_text()


def test_map_shows_what_it_made(tmp_path: Path) -> None:
    words = [w for view, name in zip(VIEWS, FILES, strict=True) for w in (view, tmp_path / name)]
    model = ARTIFACTS / "cnn.mlirbc"
    assert cosmalloc("map", model, "--solver", "greedy", *words).code == 0
    check(tmp_path)


def test_solve_shows_what_it_found(written: Path) -> None:
    words = [w for view, name in zip(VIEWS, FILES, strict=True) for w in (view, written / name)]
    done = cosmalloc("solve", written / "problem.json", "--solver", "greedy", *words)
    assert done.code == 0
    check(written)


@pytest.mark.parametrize("command", ["map", "solve"])
def test_a_picture_called_minus_goes_to_the_terminal(command: str, written: Path) -> None:
    model = ARTIFACTS / "cnn.mlirbc" if command == "map" else written / "problem.json"
    words = (command, model, "--solver", "greedy", "--picture", "-")
    shown = cosmalloc(*words)
    assert shown.code == 0
    assert "input  weight  intermediate  output" in shown.out
    assert shown.out.count("\n") > 20
    assert "step" not in cosmalloc(*words, "--json").out.replace("steps", "")


def test_without_a_plan_nothing_is_shown(written: Path) -> None:
    words = ("solve", written / "problem.json", "--scratchpad", 16, "--solver", "greedy")
    done = cosmalloc(*words, "--report", written / "no.html", "--trace", written / "no.json")
    assert done.code == 1
    assert not list(written.glob("no.*"))


def test_report_takes_the_problem_beside_the_plan_or_the_one_named(written: Path) -> None:
    plan = written / "plan.json"
    assert cosmalloc("report", plan, "-o", written / "a.html").code == 0
    (written / "problem.json").rename(written / "other.json")
    done = cosmalloc("report", plan, "-o", written / "b.html")
    assert done.code == 2
    assert done.err.startswith(f"error: there is no problem.json beside {plan}\nhint: name what")
    named = ("--problem", written / "other.json")
    done = cosmalloc("report", plan, *named, "-o", written / "b.html", "--json")
    assert done.json == {
        "output": str(written / "b.html"),
        "bytes": (written / "b.html").stat().st_size,
        "plans": 1,
    }


def test_report_puts_two_plans_side_by_side(written: Path) -> None:
    plan, other = written / "plan.json", written / "other.json"
    words = ("solve", written / "problem.json", "--solver", "greedy", "--objective", "latency")
    assert cosmalloc(*words, "-o", other).code == 0
    out = written / "two.html"
    assert cosmalloc("report", plan, other, "-o", out).code == 0
    assert 'data-plans="2"' in out.read_text()
    three = [word for _ in range(3) for word in ("--problem", written / "problem.json")]
    done = cosmalloc("report", plan, other, *three, "-o", out)
    assert (done.code, done.err) == (2, "error: 2 plans, 3 problems\nhint: name one, or one each\n")


def test_trace_writes_what_perfetto_reads(written: Path) -> None:
    done = cosmalloc("trace", written / "plan.json", "-o", written / "t.json")
    assert done.code == 0
    assert list(complaints(json.loads((written / "t.json").read_text()))) == []


def test_trace_refuses_a_plan_that_is_not_legal(written: Path) -> None:
    plan = json.loads((written / "plan.json").read_text())
    plan["residencies"][0]["offset"] += 1
    (written / "plan.json").write_text(json.dumps(plan))
    done = cosmalloc("trace", written / "plan.json", "-o", written / "t.json")
    assert done.code == 1
    assert "is not legal: law 3" in done.err
    assert not (written / "t.json").exists()


@pytest.mark.parametrize("command", ["map", "solve"])
def test_a_picture_of_another_kind_is_refused_before_the_work(command: str) -> None:
    done = cosmalloc(command, "nothing", "--picture", "x.gif")
    assert (done.code, done.err) == (2, "error: --picture x.gif ends in neither .svg nor .png\n")


def test_two_views_never_share_a_file(written: Path) -> None:
    words = ("--report", written / "x", "--trace", written / "x")
    done = cosmalloc("solve", written / "problem.json", *words)
    assert done.code == 2
    assert "both write" in done.err
