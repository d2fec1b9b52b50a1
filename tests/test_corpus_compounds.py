"""The corpus's families of several networks, of volumes, agents and sets, and with idle parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cosmalloc.cost_model.corpus.compounds import COMPOUNDS
from cosmalloc.cost_model.corpus.draw import Draw, Family
from cosmalloc.cost_model.corpus.families import FAMILIES
from cosmalloc.cost_model.corpus.flow import _sampled
from cosmalloc.cost_model.corpus.idle import NOTHING
from cosmalloc.cost_model.corpus.image_network import Network
from cosmalloc.cost_model.corpus.policies import _by_loop, _by_scan, _by_steps
from cosmalloc.cost_model.corpus.split import split_of

families = pytest.mark.parametrize("family", COMPOUNDS.values(), ids=COMPOUNDS)
LARGEST_BYTES = 32_000_000


def _text(family: Family, seed: int) -> str:
    function, arguments = family(Draw(seed))
    return str(jax.jit(function).lower(*arguments).as_text())


def test_all_of_them_are_families_that_train() -> None:
    assert COMPOUNDS.items() <= FAMILIES.items()
    assert {split_of(name) for name in COMPOUNDS} == {"train"}


@families
def test_a_model_traces_in_one_dtype_its_tensors_stay_small_and_all_are_read(
    family: Family,
) -> None:
    for seed in (2, 3):  # 3 draws bfloat16
        function, arguments = family(Draw(seed))
        results = jax.eval_shape(function, *arguments)
        leaves = jax.tree.leaves((arguments, results))
        floating = [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)]
        assert {str(leaf.dtype) for leaf in floating} == {Draw(seed).dtype}
        assert all(math.prod(leaf.shape) * leaf.dtype.itemsize > 0 for leaf in leaves)
        assert all(leaf.size * leaf.dtype.itemsize <= LARGEST_BYTES for leaf in leaves)
        traced = jax.make_jaxpr(function)(*arguments).jaxpr
        read = {id(operand) for equation in traced.eqns for operand in equation.invars}
        assert all(id(argument) in read for argument in traced.invars)


@families
def test_a_seed_draws_the_same_program_every_time_and_another_seed_another(family: Family) -> None:
    first = _text(family, 0)
    assert first == _text(family, 0)
    assert first != _text(family, 1)


@pytest.mark.parametrize("way", [_by_scan, _by_steps])
def test_advantages_are_the_same_by_a_loop_by_a_scan_and_step_by_step(
    way: Callable[[Any, Any], Any],
) -> None:
    decay, added = np.random.default_rng(0).random((2, 6, 3)).astype("float32")
    assert jnp.allclose(way(decay, added), _by_loop(decay, added), atol=1e-5)
    assert jnp.allclose(way(decay, added)[-1], added[-1])


def test_a_sample_between_four_points_is_their_mean_and_nothing_lies_outside() -> None:
    x = jnp.arange(6.0).reshape(1, 2, 3, 1)
    points = jnp.array([[[0.5, 0.5], [1.0, 2.0], [5.0, 5.0], [-1.0, 0.0]]])
    assert jnp.allclose(_sampled(x, points)[0, :, 0], jnp.array([2.0, 5.0, 0.0, 0.0]))


@pytest.mark.parametrize("make", dict.fromkeys(NOTHING))
@pytest.mark.parametrize("seed", range(3))
def test_an_idle_part_leaves_every_value_as_it_was(make: Any, seed: int) -> None:
    x = jnp.asarray(np.random.default_rng(seed).normal(size=(2, 3, 5)), "float32")
    y = make(Draw(seed))(x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert jnp.allclose(y, x, rtol=2e-3)  # a normalisation's epsilon


def test_what_is_repeated_has_the_same_weights_and_choices_every_time() -> None:
    def body(net: Network, x: jax.Array) -> jax.Array:
        seen: list[int] = []

        def twice(x: jax.Array) -> jax.Array:
            seen.append(net.draw.size(1, 1000))
            return x @ net.parameter(4, 4)

        y = net.repeated(twice, x, 3)
        assert len(set(seen)) == 1
        assert net.draw.size(1, 1000) != seen[0]
        return y

    net = Network(Draw(0))
    function, (shapes, x) = net.model(body, net.shape(2, 4))
    assert len(shapes) == 1
    ones = jnp.ones(x.shape, x.dtype)
    assert jnp.allclose(function([2 * jnp.eye(4, dtype=x.dtype)], ones), 8)
