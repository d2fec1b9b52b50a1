"""`cosmalloc cost measure`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmalloc.cost_model import campaign, choose, dataset
from cosmalloc.cost_model.measuring import Timer
from cosmalloc.cost_model.prediction import Prediction
from tests.command import cosmalloc
from tests.cost_rows import Quick, row

MODEL = """func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.negate %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.mlir"
    path.write_text(MODEL)
    return path


def test_the_command_measures_a_model_and_measures_it_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    done = cosmalloc("cost", "measure", model, "-o", out, "--json")
    assert done.code == 0, done.err
    assert done.json["kernels"] == 1
    assert done.json["splits"] == {"train": 1}
    assert done.json["command"].startswith("cosmalloc cost measure ")
    assert dataset.load(out).family == ("tiny",)
    monkeypatch.setattr(Timer, "time", Quick.time)
    monkeypatch.setattr(Timer, "asked", [], raising=False)
    done = cosmalloc("cost", "measure", "--again", 1, "--of", out, "-o", second, "--json")
    assert done.code == 0, done.err
    assert done.json["kernels"] == 1
    assert done.json["median"] == done.json["mean"] > 0


def test_ctrl_c_keeps_what_was_measured(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
        yield row("abs")
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "corpus_rows", rows)
    monkeypatch.setattr(Timer, "time", Quick.time)
    monkeypatch.setattr(Timer, "asked", [], raising=False)
    out = tmp_path / "a.parquet"
    done = cosmalloc("cost", "measure", model, "--corpus", 5, "-o", out)
    assert done.code == 0
    assert done.err.startswith("interrupted: 2 kernels; the same command goes on from ")
    assert len(dataset.load(out)) == 2


class Doubting:
    """Unsure of kernels that hold `word`."""

    name, launch_seconds = "doubting", 0.0

    def __init__(self, word: str) -> None:
        self.word = word

    def predict(self, kernels: Sequence[str]) -> Prediction:
        ones = np.ones(len(kernels))
        spread = np.array([1.0 if self.word in text else 0.001 for text in kernels])
        return Prediction(ones, spread, ones > 0, ones, ones)


def test_kernels_that_a_model_is_unsure_of_are_drawn_before_others() -> None:
    rows = [row(word) for word in ("abs", "negate", "cosine") for _ in range(20)]
    found = campaign.unsure_rows(rows, Doubting("negate"), 20, seed=0)
    assert sum("negate" in each["text"] for each in found) >= 18
    assert found == campaign.unsure_rows(rows, Doubting("negate"), 20, seed=0)
    assert found != campaign.unsure_rows(rows, Doubting("cosine"), 20, seed=0)


def test_the_command_measures_what_the_model_is_unsure_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
        yield from map(row, ("abs", "negate", "cosine"))

    monkeypatch.setattr(campaign, "corpus_rows", rows)
    monkeypatch.setattr(choose, "predictor_named", lambda name: Doubting(name))
    monkeypatch.setattr(Timer, "time", Quick.time)
    monkeypatch.setattr(Timer, "asked", [], raising=False)
    words = ("--corpus", 3, "--unsure", 1, "--cost", "negate", "-o", tmp_path / "a.parquet")
    done = cosmalloc("cost", "measure", *words, "--json")
    assert done.code == 0, done.err
    assert "--corpus 3 --unsure 1 --cost negate" in done.json["command"]
    (text,) = dataset.load(tmp_path / "a.parquet").text
    assert "negate" in text


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("--corpus", 5, "--unsure", 5), "5 kernels can't be chosen of a corpus of 5"),
        ((), "there is nothing to measure"),
        (("--corpus", -1), "a number of kernels is below 0"),
        (("--again", 5), "`--again` and `--of` come together"),
        (("--again", 5, "--of", "x", "--corpus", 5), "`--again` times kernels of `--of` alone"),
        (("--again", 5, "--of", "x"), "x does not exist"),
        (("--corpus", 5, "--device", "abacus"), "--device is `abacus`"),
        (("--corpus", 5, "-o", "/no/such/folder/x"), "cannot write /no/such/folder/x"),
        (("no-such-model.mlir",), "cannot read no-such-model.mlir"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(words: tuple[object, ...], fact: str) -> None:
    done = cosmalloc("cost", "measure", *words)
    assert done.code == 2
    assert done.err.startswith(f"error: {fact}")
