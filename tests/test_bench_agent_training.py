"""Training runs of benchmarks.agent: gone on with, summed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import agent_curves, agent_training
from benchmarks.agent_curves import Exam
from benchmarks.agent_training import End

ROWS = """round,moves,seconds,policy,exam,check
1,0,2.5,0.1,1.6,1.5
2,0,3.0,0.1,,
5,400,9.0,0.1,1.2,1.3
10,900,20.0,0.1,1.1,1.0
"""


def run(folder: Path, name: str, text: str = ROWS) -> Path:
    made = folder / name
    made.mkdir()
    (made / "metrics.csv").write_text(text)
    return made


def test_examinations_are_read_from_the_metrics(tmp_path: Path) -> None:
    found = agent_curves.exams_of(run(tmp_path, "agent-0"))
    assert found[0] == Exam("agent-0", 1.0, 0.0, 2.5, 1.6, 1.5)
    assert [each.exam for each in found] == [1.6, 1.2, 1.1]
    assert agent_curves.exams_of(tmp_path / "none") == []


def test_a_run_that_had_its_seconds_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []

    def train_on(*_: object, seconds: float, output: Path, **__: object) -> None:
        left.append(seconds)
        output.touch()

    monkeypatch.setattr(agent_training, "train_on", train_on)
    monkeypatch.setattr(agent_training, "models", lambda *_: [])
    run(tmp_path, "no-search-1")
    found = agent_training.trained(tmp_path, "no search", 1, 60.0)
    assert left == [40.0]  # of which 20 had gone
    assert agent_training.trained(tmp_path, "no search", 1, 60.0) == found
    assert left == [40.0]


def test_a_row_says_first_and_last_and_how_far_seeds_are_apart(tmp_path: Path) -> None:
    exams = agent_curves.exams_of(run(tmp_path, "agent-0"))
    exams += agent_curves.exams_of(run(tmp_path, "agent-1", ROWS.replace("1.1", "1.4")))
    ends = {"agent-0": End(1.1, 1.0), "agent-1": End(1.4, 1.0)}
    row = list(agent_training.summary(exams, ends, ["agent", "no graph"]))
    assert row == [("agent", "2", "900", "1.600 ± 0.000", "1.250 ± 0.212", "1.000 ± 0.000")]


CURVES = """round,moves,seconds,exam,check
1,0,2,1.6,1.5
5,400,10,1.2,1.1
"""


def test_seeds_of_one_variant_are_one_curve(tmp_path: Path) -> None:
    other = CURVES.replace("1.6", "1.4").replace("1.2", "1.0").replace("400,10", "200,20")
    runs = [run(tmp_path, "no-graph-0", CURVES), run(tmp_path, "no-graph-1", other)]
    rows = [agent_curves.exams_of(each) for each in runs]
    assert agent_curves.kind_of("no-graph-1") == "no graph"
    assert agent_curves.kind_of("shipped") == "shipped"
    grid, middle, least, most = agent_curves.band(rows, "moves", "exam")
    assert (grid[0], grid[-1]) == (0.0, 200.0)  # no further than the shorter one
    assert (middle[0], middle[-1]) == pytest.approx((1.5, 1.2))
    assert (least[0], most[0]) == (1.4, 1.6)
    output = tmp_path / "curves"
    agent_curves.draw([row for each in rows for row in each], str(output))
    assert len(output.with_suffix(".csv").read_text().splitlines()) == 3 + 1 + 4
    assert output.with_suffix(".svg").read_text().startswith("<?xml")
