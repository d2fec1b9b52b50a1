"""The baselines learn what they can from few rows, and say what they can't."""

from __future__ import annotations

import numpy as np
import pytest
from cost_kernels import elementwise, matmul, measured

from cosmalloc.cost_model.baselines import FittedRoofline, OperationCount, Trees, features
from cosmalloc.cost_model.estimator import Estimator, labels
from cosmalloc.cost_model.roofline import ordinary
from cosmalloc.cost_model.summary import summaries
from cosmalloc.cost_model.textbook import TextbookRoofline, fit_rates

TRAIN, VALID, TEST = measured(60, 1), measured(20, 2), measured(20, 3)


def error(model: Estimator) -> float:
    """Mean relative error on kernels it has not seen."""
    found = model.fit(TRAIN, VALID, seed=0).predict(TEST.text)["seconds"]
    return float(np.mean(np.abs(found / TEST.seconds - 1)))


def test_a_roofline_beats_counting_operations_and_is_near_the_truth() -> None:
    assert error(FittedRoofline()) < 0.1
    assert error(OperationCount()) > 1


def test_trees_repair_what_the_roofline_leaves_and_learn_bytes_too() -> None:
    found = Trees(rounds=200).fit(TRAIN, VALID, seed=0).predict(TEST.text)
    assert np.mean(np.abs(found["seconds"] / TEST.seconds - 1)) < error(FittedRoofline()) + 0.02
    assert np.median(np.abs(found["code_bytes"] / TEST.code_bytes - 1)) < 0.05


def test_trees_say_the_same_for_the_same_seed() -> None:
    train, model = TRAIN.rows(np.arange(0, len(TRAIN), 2)), Trees(rounds=40)
    fits = [model.fit(train, VALID, seed=s).predict(TEST.text) for s in (5, 5, 6)]
    assert (fits[0]["seconds"] == fits[1]["seconds"]).all()
    assert (fits[0]["seconds"] != fits[2]["seconds"]).any()


def test_no_bytes_count_as_the_floor() -> None:
    assert labels(TRAIN, "temporary_bytes").min() == 64


def test_a_line_through_operation_counts_is_the_least_squares_one() -> None:
    found = (
        OperationCount().fit(TRAIN, VALID, seed=0).predict([matmul(8), elementwise(8)])["seconds"]
    )
    logs, seconds = np.array([s.operations for s in summaries(TRAIN.text)]), TRAIN.seconds
    for operations, value in zip((3, 1), found, strict=True):  # two groups: a mean of logs each
        assert value == pytest.approx(np.exp(np.log(seconds[logs == operations]).mean()))


def test_a_roofline_knows_nothing_but_seconds() -> None:
    assert set(FittedRoofline().fit(TRAIN, VALID, seed=0).predict(TEST.text)) == {"seconds"}


def test_features_are_finite_and_one_row_a_kernel() -> None:
    found = features(summaries(TEST.text), ordinary())
    assert found.shape[0] == len(TEST)
    assert np.isfinite(found).all()


def test_seconds_that_obey_the_textbook_are_found_again() -> None:
    seen, truth = summaries(TRAIN.text), np.array([2e-6, 3e-11, 1e-10])
    amounts = np.array([(each.flops, each.read + each.written) for each in seen])
    seconds = truth[0] + (amounts * truth[1:]).max(axis=1)
    launch, per_flop, per_byte = fit_rates(seen, seconds)
    found = launch + (amounts * [per_flop, per_byte]).max(axis=1)
    assert found == pytest.approx(seconds, rel=1e-2)


def test_the_textbook_s_roofline_beats_counting_and_loses_to_telling_kinds_apart() -> None:
    assert error(FittedRoofline()) < error(TextbookRoofline()) < error(OperationCount())
