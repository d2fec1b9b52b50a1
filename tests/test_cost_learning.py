"""Learning, its files, and another machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cost_kernels import measured

from cosmalloc.cost_model import learned, training
from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.ensemble import combined
from cosmalloc.cost_model.features import flat_graphs_of
from cosmalloc.cost_model.learned import load
from cosmalloc.cost_model.training import Settings, train
from cosmalloc.cost_model.weights_file import FORMAT
from cosmalloc.errors import InputError
from cosmalloc.tree_file import read_arrays

SMALL = Settings(epochs=4, members=2, width=8, rounds=1, batch=16)


@pytest.fixture(scope="module")
def data() -> Dataset:
    kernels = measured(60, 0)
    splits = ["test" if i % 6 == 0 else "valid" if i % 6 == 1 else "train" for i in range(60)]
    return replace(kernels, split=tuple(splits))


@pytest.fixture(scope="module")
def weights(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "small.safetensors"
    train(data, out, SMALL)
    return out


def assert_same(one: Path, other: Path) -> None:
    first, second = (read_arrays(path, FORMAT, "cost model") for path in (one, other))
    assert first[1] == second[1]
    assert first[0].keys() == second[0].keys()
    assert all(np.array_equal(first[0][name], second[0][name]) for name in first[0])


def test_a_trained_model_predicts_every_kernel(data: Dataset, weights: Path) -> None:
    found = load(weights).predict(data.text)
    assert np.isfinite(found.seconds).all()
    assert (found.seconds > 0).all()
    assert (found.temporary_bytes >= 0).all()
    assert np.isfinite(found.spread[found.inside]).all()


def test_many_kernels_are_predicted_in_parts_and_none_at_all(
    data: Dataset, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(weights)
    whole = model.predict(data.text)
    monkeypatch.setattr(learned, "_MANY", 10)
    monkeypatch.setattr(learned, "_PART", 16)
    assert np.allclose(model.predict(data.text).seconds, whole.seconds, rtol=1e-4)
    assert len(model.predict([]).seconds) == 0


def test_kernels_outside_get_the_roofline_s_seconds(weights: Path) -> None:
    strange = """func.func public @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = stablehlo.cholesky %x, lower = true : tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}"""
    model = load(weights)
    found = model.predict([strange])
    assert not found.inside[0]
    assert found.spread[0] == np.inf


def test_the_same_seed_gives_the_same_file(data: Dataset, weights: Path, tmp_path: Path) -> None:
    train(data, tmp_path / "again.safetensors", SMALL)
    assert_same(tmp_path / "again.safetensors", weights)


@pytest.mark.parametrize("stop", [1, 6])
def test_a_run_that_was_killed_ends_as_if_it_was_not(
    data: Dataset, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    monkeypatch.setattr(training, "_SAVE_EVERY", -1.0)
    out, told = tmp_path / "small.safetensors", 0

    def kill(_words: str, _share: float) -> None:
        nonlocal told
        told += 1
        if told > stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, out, SMALL, progress=kill)
    assert not out.exists()
    train(data, out, SMALL, resume=True)
    assert_same(out, weights)
    assert list(tmp_path.iterdir()) == [out]


def test_a_state_of_other_settings_is_refused(data: Dataset, tmp_path: Path) -> None:
    def kill(_words: str, share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "a.safetensors", SMALL, progress=kill)
    other = Settings(epochs=5, members=2, width=8, rounds=1, batch=16)
    with pytest.raises(InputError, match="other settings"):
        train(data, tmp_path / "a.safetensors", other, resume=True)


def test_too_few_kernels_are_refused(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few"):
        train(data.only("test"), tmp_path / "a.safetensors", SMALL)


def test_settings_below_one_are_refused() -> None:
    with pytest.raises(InputError, match="members 0"):
        Settings(members=0)


@pytest.mark.parametrize("cut", [10, 400, 3000])
def test_damaged_weights_are_an_error(weights: Path, tmp_path: Path, cut: int) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(InputError):
        load(bad)


def test_members_that_disagree_are_less_sure() -> None:
    narrow = np.full(3, -4.0)
    alike = combined([(np.zeros(3), narrow), (np.zeros(3), narrow)])[1]
    apart = combined([(np.zeros(3), narrow), (np.ones(3), narrow)])[1]
    assert (apart > alike).all()


def test_a_machine_that_is_thirty_times_as_slow_is_learned_from_few_kernels(
    data: Dataset, weights: Path
) -> None:
    model = load(weights)
    few, rest = data.rows(np.arange(30)), data.rows(np.arange(30, len(data)))
    before = np.abs(np.log(model.predict(rest.text).seconds / (30 * rest.seconds))).mean()
    adapted = model.adapted(few.text, 30 * few.seconds)
    after = np.abs(np.log(adapted.predict(rest.text).seconds / (30 * rest.seconds))).mean()
    assert after < before / 2


def test_the_answer_has_the_least_expected_relative_error(weights: Path, data: Dataset) -> None:
    model = load(weights)
    graphs = flat_graphs_of(data.text[:5])
    known, found = model._known(graphs), model.predict_graphs(graphs)
    draws = np.random.default_rng(0).normal(size=20_000)
    for centre, spread, answer in zip(known.log_seconds, known.spread, found.seconds, strict=True):
        if spread**2 > np.log(2):
            continue
        real = np.exp(centre + spread * draws)
        errors = [np.abs(answer * factor / real - 1).mean() for factor in (0.9, 1.0, 1.1)]
        assert errors[1] == min(errors)
