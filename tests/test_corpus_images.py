"""The corpus's families on pictures, films, sounds and points."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from cosmalloc.cost_model.corpus.draw import Draw, Family
from cosmalloc.cost_model.corpus.images import IMAGES

families = pytest.mark.parametrize("family", IMAGES.values(), ids=IMAGES)
LARGEST_BYTES = 32_000_000


def text(family: Family, seed: int) -> str:
    function, arguments = family(Draw(seed))
    return str(jax.jit(function).lower(*arguments).as_text())


def floating(shapes: Any) -> set[str]:
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(shapes)]
    return {str(dtype) for dtype in dtypes if jnp.issubdtype(dtype, jnp.floating)}


def test_the_families_have_the_names_that_splits_and_tables_use() -> None:
    assert list(IMAGES) == [
        *("plain_cnn", "resnet", "preact_resnet", "resnext", "mobilenet", "efficientnet"),
        *("densenet", "inception", "squeezenet", "shufflenet", "unet", "pyramid", "nas_cell"),
        *("video", "convnext", "temporal", "super_resolution", "generator", "diffusion_unet"),
        *("detector", "point_net", "spectral", "autoencoder", "high_resolution", "ghostnet"),
        *("poolformer", "wavenet", "mobilevit", "regnet"),
    ]


@families
def test_a_model_traces_in_one_dtype_and_its_tensors_stay_small(family: Family) -> None:
    for seed in (2, 3):  # 3 draws bfloat16
        function, arguments = family(Draw(seed))
        results = jax.eval_shape(function, *arguments)
        assert floating((arguments, results)) == {Draw(seed).dtype}
        for leaf in jax.tree.leaves((arguments, results)):
            assert 0 < math.prod(leaf.shape) * leaf.dtype.itemsize <= LARGEST_BYTES


@families
def test_a_seed_draws_the_same_program_every_time_and_another_seed_another(family: Family) -> None:
    first = text(family, 0)
    assert first == text(family, 0)
    assert first != text(family, 1)


@families
def test_every_parameter_is_used(family: Family) -> None:
    function, arguments = family(Draw(7))
    traced = jax.make_jaxpr(function)(*arguments).jaxpr
    read = {id(operand) for equation in traced.eqns for operand in equation.invars}
    assert all(id(argument) in read for argument in traced.invars)


def test_both_dtypes_are_drawn_for_a_family() -> None:
    assert {Draw(seed).dtype for seed in range(20)} == {"float32", "bfloat16"}


def test_a_drawn_model_runs_and_reads_its_parameters() -> None:
    function, (parameters, *inputs) = IMAGES["squeezenet"](Draw(14))
    weights = [jnp.full(leaf.shape, 0.1, leaf.dtype) for leaf in parameters]
    ones = [jnp.ones(leaf.shape, leaf.dtype) for leaf in inputs]
    results = jax.jit(function)(weights, *ones)
    assert jax.tree.map(jnp.shape, results) == jax.eval_shape(function, parameters, *inputs).shape
    assert bool(jnp.all(jnp.isfinite(results)))
    assert not jnp.allclose(results, jax.jit(function)([0 * one for one in weights], *ones))
