"""What the example models are made of computes what it says."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from examples.models.cell_operations import OPERATIONS, halve, halve_shapes
from examples.models.layers import Params, average_pool, conv, conv_shapes, max_pool
from examples.models.segmentation import resize


def drawn(seed: int, shapes: Params) -> Params:
    generator = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype("f"), shapes)


def image(*sizes: int) -> Array:
    return jnp.asarray(np.random.default_rng(0).normal(size=sizes), jnp.float32)


@pytest.mark.parametrize(("before", "after"), [((3, 5), (12, 7)), ((1, 2), (6, 6))])
def test_a_resize_is_the_bilinear_one(before: tuple[int, int], after: tuple[int, int]) -> None:
    x = image(1, *before, 2)
    want = jax.image.resize(x, (1, *after, 2), "bilinear")
    np.testing.assert_allclose(resize(x, *after), want, atol=1e-5)


@pytest.mark.parametrize("sizes", [(7, 6), (8, 8), (4, 5, 6)])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_average_counts_no_padding(sizes: tuple[int, ...], stride: int) -> None:
    flat = jnp.full((1, *sizes, 2), 3.0)
    np.testing.assert_allclose(average_pool(flat, 3, stride), 3.0, rtol=1e-6)


def test_an_average_of_whole_windows_is_their_mean() -> None:
    x = image(1, 4, 6, 2)
    want = x.reshape(1, 2, 2, 3, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(average_pool(x, 2, 2), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [7, 8])
def test_halving_sees_even_and_odd_places(size: int) -> None:
    x = jnp.abs(image(1, size, size, 2))
    params = {
        "even": {"w": jnp.eye(2).reshape(1, 1, 2, 2)},
        "odd": {"w": jnp.eye(2).reshape(1, 1, 2, 2)},
        "norm": {"scale": jnp.ones(4), "shift": jnp.zeros(4)},
    }
    y = halve(params, x)
    odd = jnp.pad(x[:, 1::2, 1::2], ((0, 0), (0, size % 2), (0, size % 2), (0, 0)))
    np.testing.assert_array_equal(y, jnp.concatenate([x[:, ::2, ::2], odd], axis=-1))
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(lambda s: s.shape, halve_shapes(2, 4))


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("stride", [1, 2])
def test_an_operation_of_a_cell_takes_its_own_shapes(name: str, stride: int) -> None:
    operation = OPERATIONS[name]
    params = drawn(0, operation.shapes(4, 8, stride))
    y = jax.eval_shape(lambda p, x: operation.apply(p, x, stride), params, image(1, 7, 7, 4))
    assert y.shape == (1, 7 // stride + stride - 1, 7 // stride + stride - 1, 8)


def test_a_convolution_over_time_alone_mixes_no_places() -> None:
    params = drawn(1, conv_shapes((3, 1, 1), 2, 3))
    video = image(1, 4, 5, 5, 2)
    y = conv(params, video)
    np.testing.assert_allclose(
        conv(params, video[:, :, 2:3, 3:4]), y[:, :, 2:3, 3:4], rtol=1e-4, atol=1e-5
    )


def test_a_window_may_differ_along_time_and_space() -> None:
    assert max_pool(image(1, 8, 6, 6, 1), (1, 3, 3), (1, 2, 2)).shape == (1, 8, 3, 3, 1)
