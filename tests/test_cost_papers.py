"""The paper's models: words of MLIR text, networks that ignore padding, training that learns."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from cost_kernels import LOOP, MATMUL, elementwise, measured

from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.papers import tuning
from cosmalloc.cost_model.papers.batches import batches
from cosmalloc.cost_model.papers.tokens import PAD, UNKNOWN, learn, words
from cosmalloc.cost_model.papers.training import NETWORKS, NetworkName, Settings, Trained, train
from cosmalloc.cost_model.papers.tuning import PaperModel, tune

ONCE = measured(15, 1)
TWICE = ONCE.rows(np.tile(np.arange(15), 2))  # so that every word is known
QUICK = Settings(rate=1e-2, width=16, epochs=16, batch=10, hidden=0.0)


def test_operations_alone_are_names_and_result_types_behind_the_arguments() -> None:
    assert words(elementwise(4), "operations") == ["4xf32", "stablehlo.add", "4xf32"]
    assert words(LOOP, "operations")[:4] == [
        "8xf32",
        "stablehlo.constant",
        "i32",
        "stablehlo.while",
    ]


def test_with_operands_every_value_is_a_word_where_it_is_used() -> None:
    found = words(elementwise(4), "operands")
    assert found == [
        *("func.func", "%x", "4xf32", "4xf32"),
        *("%0", "stablehlo.add", "%x", "%x", "4xf32"),
        *("return", "%0", "4xf32"),
    ]


def test_types_with_angle_brackets_and_numbers_are_read_whole() -> None:
    line = "%0 = stablehlo.add %a, %b : tensor<2x!quant.uniform<i8:f32, 1.5:3>>"
    assert words(line, "operations") == ["stablehlo.add", "2x!quant.uniform<i8:f32, 1.5:3>"]
    line = "%0 = stablehlo.constant dense<1.0e+00> : tensor<4xcomplex<f32>>"
    assert words(line, "operations") == ["stablehlo.constant", "4xcomplex<f32>"]


def test_a_shape_that_training_did_not_show_twice_is_out_of_vocabulary() -> None:
    vocabulary = learn([elementwise(4), elementwise(4), elementwise(5)], "operations")
    known, unknown = vocabulary.encode([elementwise(4), elementwise(9)], 8)
    assert UNKNOWN not in known
    assert unknown.tolist() == [UNKNOWN, vocabulary.known["stablehlo.add"], UNKNOWN]
    assert [len(each) for each in vocabulary.encode([MATMUL], 2)] == [2]


def test_batches_hold_every_kernel_once_and_fill_up_without_weight() -> None:
    encoded = [np.full(length, 3, np.int32) for length in (1, 5, 16, 17, 40, 3, 2)]
    for rng in (None, np.random.default_rng(0)):
        made = list(batches(encoded, 2, rng))
        rows = np.concatenate([batch.rows[batch.weight > 0] for batch in made])
        assert sorted(rows.tolist()) == list(range(7))
        assert {batch.tokens.shape for batch in made} == {(2, 16), (2, 32), (2, 64)}
    one = next(batches(encoded[:1], 2))
    assert one.weight.tolist() == [1, 0]
    assert (one.tokens[0] == [3] + [PAD] * 15).all()


@pytest.fixture(scope="module", params=list(NETWORKS))
def learnt(request: pytest.FixtureRequest) -> tuple[str, Trained]:
    name: NetworkName = request.param
    return name, train(name, "operations", TWICE, ONCE, QUICK, seed=1)


def test_training_learns_kernels_by_heart_whose_words_it_knows(learnt: tuple[str, Trained]) -> None:
    errors = learnt[1].errors
    assert min(errors) < 0.7 * errors[0]
    found = learnt[1].predict(ONCE.text)
    assert set(found) == {"seconds", "temporary_bytes", "code_bytes"}
    assert all((values > 0).all() and values.shape == (15,) for values in found.values())


def test_padding_changes_no_output_and_only_the_bag_is_blind_to_order(
    learnt: tuple[str, Trained],
) -> None:
    network: Any = eqx.filter_jit(learnt[1].network)
    tokens = jnp.array([[2, 3, 4, 5, 6], [6, 2, 5, 4, 3], [7, 8, 0, 0, 0]], jnp.int32)
    found = network(tokens)
    np.testing.assert_allclose(network(jnp.pad(tokens, ((0, 0), (0, 5)))), found, 1e-4, 1e-5)
    assert np.allclose(found[0], found[1], atol=1e-5) == (learnt[0] == "bag")


def test_the_same_seed_learns_the_same(learnt: tuple[str, Trained]) -> None:
    if learnt[0] == "bag":
        assert train("bag", "operations", TWICE, ONCE, QUICK, seed=1).errors == learnt[1].errors


def test_a_model_without_settings_tunes_first_and_tells_what_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Settings] = []

    def learn(name: str, style: str, given: Dataset, valid: Dataset, how: Settings, *_: Any) -> Any:
        seen.append(how)
        return SimpleNamespace(errors=(how.rate, 2.0))

    monkeypatch.setattr(tuning, "learn", learn)
    said: list[str] = []
    model = PaperModel("bag", "operands", start=QUICK, progress=said.append)
    model.fit(TWICE, ONCE, seed=0)
    assert said[:2] == ["bag, operands: start: 0.0100", "bag, operands: rate 0.003: 0.0030"]
    assert {how.epochs for how in seen[:-1]} == {tuning.EPOCHS}
    assert seen[-1] == replace(QUICK, rate=3e-4)


def test_tuning_keeps_every_value_that_does_better() -> None:
    def error(settings: Settings) -> float:
        return abs(np.log(settings.rate / 4e-3)) + settings.hidden - settings.width / 1000

    assert tune(error, Settings()) == Settings(rate=3e-3, hidden=0.0, width=128)
