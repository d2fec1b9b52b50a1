"""The benchmark scripts do what their tables say; no test here measures time."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import execution, models, scaling
from benchmarks.model_sizes import FACTORS, Point, Settings, Sweep, read, smallest, sweep
from cosmalloc.map_model import map_model
from cosmalloc.target import OPERAND_RULES, OperandRule
from examples.models.export import ARTIFACTS

CNN = ARTIFACTS / "cnn.mlirbc"


@pytest.mark.parametrize("rule", OPERAND_RULES)
def test_a_sweep_maps_at_every_size_and_every_plan_is_legal(rule: OperandRule) -> None:
    swept = sweep(CNN, rule, Settings())
    assert [point.factor for point in swept.points] == [*FACTORS, None]
    assert [point.faults for point in swept.points] == [0] * 5
    assert [p.scratchpad for p in swept.points] == sorted(p.scratchpad for p in swept.points)


def test_the_smallest_scratchpad_has_a_plan_and_a_byte_less_has_none() -> None:
    problem, _ = read(CNN, "resident", Settings())
    least = smallest(problem, Settings())
    assert map_model(CNN, scratchpad=least).outcome.status in ("optimal", "feasible")
    assert map_model(CNN, scratchpad=least - 1).outcome.status == "infeasible"


def test_a_row_marks_what_is_proven_and_what_has_no_plan() -> None:
    proven = Point(1.0, 64, "optimal", 0.1, traffic=0, bound=0, latency=1.0, faults=0)
    swept = Sweep("m", "resident", 9, 8, 7, 64, 0.5, 2**20, (proven,))
    found = replace(proven, traffic=2048, bound=512)
    without = Point(1.25, 80, "infeasible", 0.2)
    row = models.cells(replace(swept, points=(proven, found, without)))
    assert row[6:] == ("0*", "2KiB", "-", "0.20", "0.50", "1", "2/2")


def test_the_csv_has_a_line_for_every_solve(tmp_path: Path) -> None:
    proven = Point(1.0, 64, "optimal", 0.1, traffic=0, bound=0, latency=1.0, faults=0)
    swept = Sweep("m", "resident", 9, 8, 7, 64, 0.5, 2**20, (proven, proven))
    models.write_csv(tmp_path / "out.csv", [swept])
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(rows) == 2
    assert rows[0]["model"] == "m"
    assert rows[0]["scratchpad"] == "64"


def test_a_chain_has_as_many_operators_as_asked_for_and_does_not_fit_its_scratchpad() -> None:
    mapped = map_model(scaling.chain(200), scratchpad=scaling.SCRATCHPAD)
    assert len(mapped.problem.operators) == 200
    assert mapped.outcome.value is not None
    assert mapped.outcome.value > 0


def test_an_execution_row_says_that_plan_and_kernels_agree() -> None:
    row, good = execution.compare("mlp", "anywhere")
    assert good
    assert row[3] == "equal"
