"""The benchmark of the cost model: its splits, its cache and its tables, on a few kernels."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cost_kernels import elementwise, measured

from benchmarks.cost_curves import adaptation, draw_curves
from benchmarks.cost_model import main
from benchmarks.cost_programs import compare, repeatable
from benchmarks.cost_rivals import Predicted, Workshop, at_random, by_predictor, held_out
from benchmarks.cost_speed import speed
from cosmalloc.cost_model.dataset import Dataset, save
from cosmalloc.cost_model.prediction import Prediction, Predictor
from cosmalloc.cost_model.roofline import ordinary
from cosmalloc.cost_model.roofline_predictor import RooflinePredictor
from cosmalloc.passes import context, read_model
from examples.models.export import ARTIFACTS


def dataset() -> Dataset:
    """80 kernels; the fourth part each validates and tests."""
    data = measured(80, 4)
    names = ("train", "train", "valid", "test")
    return replace(data, split=tuple(names[index % 4] for index in range(80)))


def quiet(words: str) -> None:
    """Says nothing."""


def test_a_random_split_is_of_training_kernels_only_and_none_is_twice() -> None:
    data = dataset()
    sets = at_random(data, seed=0)
    assert (len(sets.test), len(sets.valid), len(sets.train)) == (4, 2, 34)
    pool = [*sets.train.text, *sets.valid.text, *sets.test.text]
    assert sorted(pool) == sorted(data.only("train").text)
    assert at_random(data, seed=1).test.text != sets.test.text


def test_a_split_as_one_dataset_says_which_row_is_which() -> None:
    sets = at_random(dataset(), seed=0)
    whole = sets.whole()
    assert whole.only("test").text == sets.test.text
    assert (whole.only("valid").seconds == sets.valid.seconds).all()


def test_fresh_kernels_are_tested_by_the_models_of_the_held_out_split_in_rows_of_their_own(
    tmp_path: Path,
) -> None:
    data = dataset()
    split = tuple("fresh" if i % 8 == 3 else name for i, name in enumerate(data.split))
    path = tmp_path / "k.parquet"
    save(replace(data, split=split), path)
    words = ["--data", str(path), "--only", "table", "--models", "fitted roofline"]
    main([*words, "--cache", str(tmp_path / "cache"), "--output", str(tmp_path)])
    lines = (tmp_path / "cost-model-seconds.csv").read_text().splitlines()
    counts = [line.split(",")[:2] for line in lines if "fitted roofline" in line]
    assert counts == [["held-out", "10"], ["fresh", "10"], ["random", "4"]]


def test_what_was_predicted_is_not_computed_again(tmp_path: Path) -> None:
    made: list[str] = []

    class Counting(Workshop):
        def _make(self, name: str, sets: object) -> Predicted:
            made.append(name)
            return Predicted({"seconds": np.ones(20)}, np.full(20, 0.1), 0.5)

    shop = Counting(tmp_path, 0, "learned:cpu", say=quiet)
    first, again = (shop.predicted("fitted roofline", held_out(dataset())) for _ in range(2))
    shop.predicted("fitted roofline", at_random(dataset(), 0))
    assert made == ["fitted roofline"] * 2  # another split is another prediction
    assert (again.values["seconds"] == first.values["seconds"]).all()
    assert again.spread is not None
    assert (again.inside, again.cpu_seconds) == (0.5, first.cpu_seconds)


def test_the_command_writes_a_table_per_target_a_split_and_a_curve(tmp_path: Path) -> None:
    save(dataset(), tmp_path / "kernels.parquet")
    names = ("operation count", "fitted roofline")
    models = ["--models", *names, "--cache", str(tmp_path / "cache")]
    where = ["--data", str(tmp_path / "kernels.parquet"), "--output", str(tmp_path)]
    assert main([*where, *models, "--only", "split", "table", "learning"]) == 0
    seconds = read(tmp_path / "cost-model-seconds.csv")
    assert [(row["split"], row["model"]) for row in seconds] == [
        (split, model) for split in ("held-out", "random") for model in names
    ]
    assert [row["model"] for row in read(tmp_path / "cost-model-code-bytes.csv")] == [
        "operation count"
    ] * 2
    assert float(seconds[1]["MAPE"].rstrip("%")) < float(seconds[0]["MAPE"].rstrip("%"))
    assert len(read(tmp_path / "cost-model-split.csv")) == 3
    assert [row["kernels"] for row in read(tmp_path / "cost-model-learning.csv")] == ["40"]
    assert (tmp_path / "cost-model-learning.svg").exists()


def read(path: Path) -> list[dict[str, str]]:
    lines = path.read_text().splitlines()
    assert lines[1].startswith("# command: python -m benchmarks.cost_model --data")
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


class Doubled:
    """A roofline times a factor, and no bytes."""

    def __init__(self, factor: float) -> None:
        self.name, self.launch_seconds, self.factor = "ours", ordinary().launch, factor

    def predict(self, kernels: Sequence[str]) -> Prediction:
        found = RooflinePredictor(ordinary()).predict(kernels)
        none = np.zeros(len(kernels))
        return replace(
            found, seconds=found.seconds * self.factor, temporary_bytes=none, code_bytes=none
        )


def test_the_adaptation_curve_starts_without_a_kernel_and_gets_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = dataset()
    new = replace(old, seconds=30 * old.seconds)
    monkeypatch.setattr("benchmarks.cost_curves.FEW", (0, 10))
    monkeypatch.setattr("benchmarks.cost_curves.shipped", lambda weights: Doubled(1))

    def adapt(model: Predictor, few: Dataset) -> Predictor:
        ratio = few.seconds / model.predict(few.text).seconds
        return Doubled(float(np.median(ratio)))

    rows = adaptation(Workshop(tmp_path, 0, "", say=quiet), old, new, adapt, repeats=2)
    assert [(way, count) for way, count, _ in rows] == [
        *(("roofline", 0), ("ours", 0), ("roofline", 10), ("ours", 10))
    ]
    assert rows[2][2].rmse_log < rows[0][2].rmse_log
    assert rows[3][2].rmse_log < rows[1][2].rmse_log
    draw_curves(tmp_path / "curve.svg", rows, "kernels", 3)
    assert "kernels" in (tmp_path / "curve.svg").read_text()


def test_bytes_that_a_model_puts_below_the_floor_are_at_it() -> None:
    found = by_predictor(Doubled(2), dataset().only("test"))
    assert (found.values["temporary_bytes"] == 64).all()
    assert (found.values["code_bytes"] == 64).all()
    assert (found.inside, found.cpu_seconds) == (1, 0)


def test_speed_counts_kernels_per_second_and_milliseconds_for_one() -> None:
    found = speed(Doubled(1), [elementwise(size) for size in range(1, 9)])
    assert found.batch > 0
    assert 0 < found.one <= found.slow


def test_a_program_is_the_sum_of_its_kernels_with_one_launch(tmp_path: Path) -> None:
    journal = tmp_path / "programs.json"
    journal.write_text('{"mlp": 1e-4}')
    row = compare(ARTIFACTS / "mlp.mlirbc", [Doubled(1), Doubled(2)], journal, -1)
    assert (row.name, row.measured, row.outside) == ("mlp", 1e-4, 0)
    assert row.operators > 2
    assert row.predicted["ours"] > ordinary().launch


def test_a_program_that_gives_arguments_away_is_timed_without_that() -> None:
    assert "aliasing_output" in context.to_text(read_model(ARTIFACTS / "decode_step.mlirbc")[0])
    text = repeatable(ARTIFACTS / "decode_step.mlirbc")
    assert "aliasing_output" not in text
    assert "donor" not in text
