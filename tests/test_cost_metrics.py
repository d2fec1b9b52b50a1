"""The metrics of a cost model against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cosmalloc.cost_model.metrics import INTERVALS, metrics


def test_errors_of_two_kernels_are_what_they_are_by_hand() -> None:
    found = metrics(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    assert found.rmse_log == pytest.approx(math.log(2))
    assert found.mape == pytest.approx((1 + 0.5) / 2)
    assert found.rmse_relative == pytest.approx(math.sqrt((1 + 0.25) / 2))
    assert found.median == pytest.approx(0.75)
    assert (found.spearman, found.kendall) == (pytest.approx(-1), pytest.approx(-1))
    assert (found.coverage, found.n) == ((), 2)


def test_ranks_with_a_tie_follow_tau_b() -> None:
    found = metrics(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 2.0]))
    # pairs: 3 in order, 2 against it, 1 tied in the prediction
    assert found.kendall == pytest.approx((3 - 2) / math.sqrt(6 * 5))
    # ranks 1, 4, 2.5, 2.5: their covariance with 1..4 is 0.375 * 4, variances 5 and 4.5
    assert found.spearman == pytest.approx(1.5 / math.sqrt(5 * 4.5))


def test_perfect_predictions_are_perfect() -> None:
    given = np.array([1e-6, 1e-3, 2.0])
    found = metrics(given, given, np.full(3, 0.1))
    assert (found.rmse_log, found.mape, found.median, found.rmse_relative) == (0, 0, 0, 0)
    assert found.spearman == pytest.approx(1)
    assert found.kendall == pytest.approx(1)
    assert found.coverage == (1, 1, 1)


def test_a_calibrated_spread_covers_what_its_intervals_promise() -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.05, 0.5, 20_000)
    found = metrics(np.ones(20_000), np.exp(spread * rng.normal(size=20_000)), spread)
    np.testing.assert_allclose(found.coverage, INTERVALS, atol=0.01)
    wide = metrics(np.array([1.0, 1.0]), np.array([1.5, 1.05]), np.array([0.1, 0.1]))
    assert wide.coverage == (0.5, 0.5, 0.5)  # log 1.5 is four spreads away, log 1.05 half of one


def test_bytes_below_the_floor_count_as_the_floor() -> None:
    found = metrics(np.array([0, 128]), np.array([10.0, 64.0]), floor=64)
    assert found.mape == pytest.approx(0.25)
    assert found.to_dict()["n"] == 2


def test_a_constant_prediction_ranks_nothing() -> None:
    found = metrics(np.array([1.0, 2.0, 3.0]), np.full(3, 2.0))
    assert (found.spearman, found.kendall) == (0, 0)


@pytest.mark.parametrize(
    ("measured", "predicted", "fact"),
    [
        ([1.0], [1.0, 2.0], "measured"),
        ([], [], "measured"),
        ([0.0], [1.0], "least measured 0.0"),
        ([1.0], [-1.0], "least predicted 0.0"),
        ([1.0], [math.nan], "least predicted nan"),
    ],
)
def test_values_without_a_logarithm_are_refused(
    measured: list[float], predicted: list[float], fact: str
) -> None:
    with pytest.raises(ValueError, match=fact):
        metrics(np.array(measured), np.array(predicted))
