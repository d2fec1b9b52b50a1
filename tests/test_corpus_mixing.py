"""Layers of the corpus that mix places: what they must compute whatever way is drawn."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from cosmalloc.cost_model.corpus import forecasting, gating, retrieval, time_mixing, unfolding
from cosmalloc.cost_model.corpus.audio import wavenet
from cosmalloc.cost_model.corpus.draw import Draw
from cosmalloc.cost_model.corpus.sequence_layers import Layer

BATCH, LENGTH, WIDTH = 2, 16, 5


def normal(seed: int, *shape: int) -> Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), "float32")


def weighted(decay: Array, bonus: Array, keys: Array, values: Array) -> np.ndarray[Any, Any]:
    """The sums by their definition."""
    d, u, k, v = (np.asarray(a, "float64") for a in (decay, bonus, keys, values))
    result = np.zeros_like(v)
    for t in range(v.shape[1]):
        ages = np.arange(t - 1, -1, -1)[:, None]
        past = np.exp(k[:, :t] + ages * d)
        now = np.exp(k[:, t] + u)
        above = (past * v[:, :t]).sum(1) + now * v[:, t]
        result[:, t] = above / (past.sum(1) + now)
    return result


@pytest.mark.parametrize("run", [time_mixing._looped, time_mixing._scanned, time_mixing._closed(4)])
def test_every_way_through_time_gives_the_weighted_mean(run: time_mixing.Sum) -> None:
    decay, bonus = -jnp.exp(normal(0, WIDTH)), normal(1, WIDTH)
    keys, values = normal(2, BATCH, LENGTH, WIDTH), normal(3, BATCH, LENGTH, WIDTH)
    expected = weighted(decay, bonus, keys, values)
    found = jax.jit(run)(decay, bonus, keys, values)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_folding_undoes_unfolding_and_a_row_holds_one_place_of_every_patch() -> None:
    x = jnp.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    rows = unfolding._unfolded(x, 2)
    assert rows.shape == (2 * 4, 6, 3)
    assert bool((rows[0] == x[0, ::2, ::2].reshape(6, 3)).all())
    assert bool((unfolding._folded(rows, 2, 4, 6, 2) == x).all())


def test_a_bag_counts_the_places_that_are_filled_and_an_empty_one_is_zero() -> None:
    found = jnp.asarray([[[2.0], [4.0]], [[2.0], [4.0]], [[2.0], [4.0]]])
    filled = jnp.asarray([[True, True], [False, True], [False, False]])
    assert retrieval._mean(found, filled)[:, 0].tolist() == [3.0, 4.0, 0.0]
    assert retrieval._mean(found, None)[:, 0].tolist() == [3.0, 3.0, 3.0]


def test_powers_and_waves_of_the_time_are_the_bases_of_trend_and_season() -> None:
    np.testing.assert_allclose(forecasting._basis("trend", 3, 4)[2], [0, 1 / 16, 1 / 4, 9 / 16])
    np.testing.assert_allclose(forecasting._basis("season", 4, 4)[1], [1, 0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(forecasting._basis("season", 4, 4)[3], [0, 1, 0, -1], atol=1e-6)


def _filled(leaf: Any) -> Array:
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        return 0.1 * normal(leaf.size, *leaf.shape)
    return jnp.zeros(leaf.shape, leaf.dtype)


def outputs_where_the_last_place_differs(layer: Layer) -> tuple[Array, Array]:
    parameters, x = jax.tree.map(_filled, layer.shapes), normal(4, BATCH, LENGTH, WIDTH)
    apply = jax.jit(layer.apply)
    return apply(parameters, x), apply(parameters, x.at[:, -1].add(1.0))


@pytest.mark.parametrize("way", [time_mixing._looped, time_mixing._closed(4)])
def test_time_is_mixed_forwards_only(way: time_mixing.Sum) -> None:
    before, after = outputs_where_the_last_place_differs(
        time_mixing._block(Draw(1), WIDTH, 8, way, True)
    )
    np.testing.assert_allclose(before[:, :-1], after[:, :-1], rtol=1e-3, atol=1e-5)
    assert not np.allclose(before[:, -1], after[:, -1])


@pytest.mark.parametrize("causal", [True, False])
def test_a_gate_sees_later_places_where_it_is_not_causal(causal: bool) -> None:
    shape = (BATCH, LENGTH, WIDTH, 8)
    before, after = outputs_where_the_last_place_differs(
        gating._gating(Draw(1), shape, causal, tiny=False)
    )
    assert bool((before[:, :-1] == after[:, :-1]).all()) == causal


@pytest.mark.parametrize("seed", [22, 56])  # alone; told a speaker or a melody
def test_a_wave_goes_forwards_only(seed: int) -> None:
    function, arguments = wavenet(Draw(seed))
    parameters, x, *others = jax.tree.map(_filled, arguments)
    apply = jax.jit(function)
    before, after = (apply(parameters, one, *others) for one in (x, x.at[:, -1].add(9.0)))
    np.testing.assert_allclose(before[:, :-1], after[:, :-1], rtol=1e-3, atol=1e-5)
    assert not np.allclose(before[:, -1], after[:, -1], rtol=1e-6, atol=0)
