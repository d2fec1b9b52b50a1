"""`cosmalloc cost predict|evaluate|train` beside a model that is known by heart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from cosmalloc.cost_model import dataset, training
from cosmalloc.cost_model.domain import domain_of
from cosmalloc.cost_model.features import flat_graphs_of
from cosmalloc.cost_model.kernel import operator_kernels
from cosmalloc.cost_model.network import Network
from cosmalloc.cost_model.roofline import ordinary
from cosmalloc.cost_model.weights_file import Header, write_weights
from cosmalloc.map_model import PREPARE, problem_of
from cosmalloc.passes import Pipeline, Reading, extract, read_model
from cosmalloc.target_file import load_target
from tests.command import cosmalloc
from tests.fake_cost import LAUNCH, Fake, install
from tests.test_cost_in_the_loop import Choosy
from tests.test_cost_measuring import kernel

CNN = Path(__file__).parent.parent / "examples/models/artifacts/cnn.mlirbc"


def truth(text: str) -> float:
    return len(text) * 1e-6


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return install(monkeypatch, tmp_path, Fake(truth, strange="reduce_window"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Kernels that took a tenth longer than the model says; eight of them to learn from."""
    rows: list[dict[str, Any]] = []
    names = ("negate", "abs", "sine", "cosine", "tanh", "sqrt", "rsqrt", "exponential", "log")
    for index, name in enumerate(names):
        text = kernel(name)
        where = {"source": f"mlp/{index}", "family": "mlp", "policy": "fuse"}
        seconds = {"seconds": (LAUNCH + truth(text)) * 1.1, "spread": 0.01}
        sizes = {"temporary_bytes": 0, "code_bytes": 64}
        split = {"split": "test" if index % 2 else "train"}
        rows.append({"text": text} | where | seconds | sizes | split)
    path = tmp_path / "data.parquet"
    dataset.save(dataset.from_rows(rows, {"machine": "abacus"}), path)
    return path


def test_a_model_s_operators_and_their_sum_are_shown(weights: Path) -> None:
    done = cosmalloc("cost", "predict", CNN, "--cost", weights, "--json")
    assert done.code == 0, done.err
    found = done.json
    module, _ = read_model(CNN)
    Pipeline.parse(f"{PREPARE},group-operators").run(module)
    with module.context, module.operation.location:
        program = extract(module.operation, load_target("npu-2mib"), Reading(), "cnn")
        texts = operator_kernels(program)
    rows = found["operators"]
    assert [row["name"] for row in rows] == [o.name for o in problem_of(CNN).operators]
    assert [row["seconds"] for row in rows] == pytest.approx([LAUNCH + truth(t) for t in texts])
    assert [row["inside"] for row in rows] == ["reduce_window" not in text for text in texts]
    assert found["seconds"] == pytest.approx(sum(row["seconds"] for row in rows))
    assert found["seconds_without_launches"] == pytest.approx(sum(map(truth, texts)))
    shown = cosmalloc("cost", "predict", CNN, "--cost", weights).out
    assert "convolution_0" in shown
    assert "outside" in shown
    assert shown.splitlines()[-1].startswith("total ")


def test_a_kernel_is_predicted_as_it_is(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "k.mlir"
    path.write_text(kernel("sine"))
    done = cosmalloc("cost", "predict", path, "--kernel", "--cost", weights, "--json")
    assert done.code == 0, done.err
    (row,) = done.json["operators"]
    assert row["name"] == "k"
    assert row["seconds"] == pytest.approx(LAUNCH + truth(kernel("sine")), rel=0.2)


def test_a_kernel_that_can_t_be_read_is_shown_without_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = install(monkeypatch, tmp_path, Choosy(truth))
    done = cosmalloc("cost", "predict", CNN, "--cost", weights, "--json")
    assert done.code == 0, done.err
    blank = [row["name"] for row in done.json["operators"] if row["seconds"] is None]
    assert blank == ["reduce_window_1"]
    assert done.json["seconds"] > 0
    shown = cosmalloc("cost", "predict", CNN, "--cost", weights).out
    assert any(line.split()[:2] == ["reduce_window_1", "-"] for line in shown.splitlines())


def test_the_roofline_tells_no_spread_and_no_bytes() -> None:
    done = cosmalloc("cost", "predict", CNN, "--cost", "roofline", "--group", "learned", "--json")
    assert done.code == 0, done.err
    assert {row["spread"] for row in done.json["operators"]} == {None}
    assert {row["code_bytes"] for row in done.json["operators"]} == {None}


def test_predictions_are_held_against_what_was_measured(weights: Path, data: Path) -> None:
    done = cosmalloc("cost", "evaluate", data, "--cost", weights, "--json")
    assert done.code == 0, done.err
    assert done.json["n"] == 4
    assert done.json["split"] == "test"
    assert done.json["mape"] == pytest.approx(1 - 1 / 1.1)
    assert done.json["rmse_log"] == pytest.approx(np.log(1.1))
    assert done.json["in_domain"] == 1.0
    assert done.json["inside_50%"] == 0.0  # a tenth is 0.95 deviations away
    assert done.json["inside_80%"] == 1.0
    shown = cosmalloc("cost", "evaluate", data, "--cost", weights, "--split", "train").out
    assert "spearman" in shown
    assert "9.09%" in shown


def test_the_roofline_is_fitted_to_the_training_split(data: Path) -> None:
    done = cosmalloc("cost", "evaluate", data, "--cost", "roofline", "--json")
    assert done.code == 0, done.err
    assert done.json["cost"] == "fitted roofline"
    assert done.json["mape"] < 0.2


def test_training_gets_what_was_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def train(found: dataset.Dataset, out: Path, settings: Any, **options: Any) -> None:
        options.pop("progress")("learning", 0.5)
        asked.append({"kernels": len(found), "out": out, "settings": settings} | options)

    monkeypatch.setattr(training, "train", train)
    out = tmp_path / "w.safetensors"
    words = ("--epochs", 2, "--members", 1, "--resume", "--name", "abacus", "--json")
    done = cosmalloc("cost", "train", data, "-o", out, *words)
    assert done.code == 0, done.err
    assert done.json == {"output": str(out), "kernels": 9}
    settings = training.Settings(seed=0, epochs=2, members=1)
    found = {"kernels": 9, "out": out, "settings": settings, "resume": True, "name": "abacus"}
    assert asked == [found]
    assert f"cosmalloc cost evaluate {data} --cost {out}" in done.err
    done = cosmalloc("cost", "train", data, data, "-o", out, "--json")
    assert done.json["kernels"] == 9  # a kernel in two files counts once


@pytest.mark.usefixtures("quick_compilation")
def test_a_model_is_adapted_to_kernels_measured_elsewhere(data: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    texts = dataset.load(data).text
    header = Header(
        name="abacus",
        launch_seconds=LAUNCH,
        settings={"width": 16, "rounds": 1},
        roofline=ordinary().to_dict(),
        domain=domain_of(flat_graphs_of(texts)).to_dict(),
        scale=1.0,
        about={},
    )
    write_weights(first, [Network(16, 1, jax.random.key(0))], header)
    words = ("cost", "adapt", data, "--cost", first, "-o", second, "--kernels", 8, "--json")
    done = cosmalloc(*words)
    assert done.code == 0, done.err
    assert done.json == {"output": str(second), "kernels": 8}
    found = cosmalloc("cost", "evaluate", data, "--cost", second, "--json")
    assert found.json["rmse_log"] < 0.1


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("evaluate", "DATA", "--split", "exam"), "--split is `exam`"),
        (("evaluate", "DATA", "--split", "valid"), "DATA has no kernels of split `valid`"),
        (("evaluate", "gone.parquet"), "gone.parquet does not exist"),
        (("evaluate", "DATA", "--cost", "learned:h200"), "no weights for `h200` are shipped"),
        (("train", "DATA", "-o", "w.pkl"), "the weights' file w.pkl does not end in .safe"),
        (("train", "gone.parquet", "-o", "w.safetensors"), "gone.parquet does not exist"),
        (("adapt", "DATA", "-o", "w.pkl"), "the weights' file w.pkl does not end in .safe"),
        (
            ("adapt", "DATA", "-o", "w.safetensors", "--cost", "learned:h200"),
            "no weights for `h200` are shipped",
        ),
        (("predict", "gone.mlir", "--cost", "roofline"), "cannot read gone.mlir"),
        (("predict", str(CNN), "--cost", "physics"), "there is no cost model `physics`"),
        (("predict", str(CNN), "--cost", "roofline", "--group", "x"), "--group is `x`"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(
    data: Path, words: tuple[object, ...], fact: str
) -> None:
    done = cosmalloc("cost", *(data if word == "DATA" else word for word in words))
    assert done.code == 2
    assert done.err.startswith(f"error: {fact.replace('DATA', str(data))}")
