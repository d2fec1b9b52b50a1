"""The benchmark's cells: kept, joined, shown."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.tpu import searched_longer
from benchmarks.tpu_cells import Cell, kept, merged, rows, shown, summary

CELL = Cell(
    program="mlp",
    topology="v5e:2x2",
    budget="16",
    operators=3,
    all_hbm=9.0,
    xla=5.0,
    xla_estimate=5.0,
    alone=4.0,
    alone_estimate=4.0,
    msa=4.4,
    ours={"1": 3.5, "10": 3.0},
    told=3.2,
    told_estimate=3.2,
    followed=0.9,
    bound=2.0,
    solver="auto 1,10",
)


def test_shares_are_of_the_search_whose_plan_was_told() -> None:
    longer = replace(CELL, ours={"60": 2.5}, told=2.5, bound=2.2, solver="auto 60")
    one = merged([CELL, longer])[0]
    assert list(one.ours) == ["1", "10", "60"]
    assert (one.theirs, one.last, one.bound) == (4.0, 3.0, 2.2)
    assert one.gain == pytest.approx(0.25)
    assert one.gain_after("60") == pytest.approx(1 - 2.5 / 4)
    assert one.closed == pytest.approx(1 / 1.8)
    assert one.survived == pytest.approx(0.8)
    assert merged([longer])[0].gain == pytest.approx(1 - 2.5 / 4)


def test_a_plan_at_its_bound_is_not_searched_longer() -> None:
    proven = replace(CELL, bound=3.0)
    found = searched_longer(proven, "no such program", "v5e", "16", "auto", 60.0, None)
    assert found == replace(proven, ours={"60": 3.0}, solver="auto 60")
    one = merged([proven, found])[0]
    assert one.ours == {"1": 3.5, "10": 3.0, "60": 3.0}
    assert (one.last, one.told) == (3.0, 3.2)


def test_a_line_that_was_not_finished_is_no_cell(tmp_path: Path) -> None:
    line = json.dumps(asdict(CELL))
    file = tmp_path / "cells.json"
    file.write_text(f"{line}\n{line[:40]}")
    assert list(kept(file)) == [CELL]
    assert list(kept(tmp_path / "none.json")) == []


def test_tables_and_means() -> None:
    other = replace(
        CELL, program="unet", topology="v4:2x2x1", ours={"1": 4.0, "10": 4.1}, told=None
    )
    lines = list(rows([CELL]))
    assert len(lines[0]) == len(lines[1]) == 15
    assert "mean gain 12.5% after 1 s (1), 25.0% after 10 s (1), at most 50.0%" in summary([CELL])
    assert "80% of the gain over 1" in summary([CELL])
    assert "msa +10.0% of XLA, 10.0% off" in summary([CELL])
    text = "\n".join(shown([CELL, other]))
    assert "above XLA: unet/16" in text
    assert text.count("| program |") == 4
    assert "| mlp | 25.0 of 50.0 |" in text
    assert "| v5e:2x2 | 1 | 12.5% | 25.0% | 50.0% | 50.0% | 20.0% | 80.0% | 90.0% | 10.0% |" in text
    assert "| all | 2 | 6.2% | 11.3% |" in text
