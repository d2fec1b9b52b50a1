"""Real arguments for the example models: random, of sizes that keep activations of order one."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from examples.models.export import load


def random_arguments(name: str, seed: int) -> tuple[Any, ...]:
    """Arguments of the model `name` as pytrees of numpy arrays, the same for the same seed.

    A leaf is drawn by the last key of its path:
        w          normal, variance 2 / fan-in; fan-in is the product of all sizes but the last
        table      normal, deviation 0.5
        scale      normal, mean 0.8, deviation 0.08
        b, shift   normal, deviation 0.1
    and where it is no parameter by its type: floating point normal, integers in [0, 64), booleans
    mostly true. Moments of an optimiser are small and not negative.
    """
    _, shapes = load(name)
    generator = np.random.default_rng(seed)
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: _draw(generator, jax.tree_util.keystr(path), leaf), shapes
    )


def _draw(generator: np.random.Generator, path: str, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    if leaf.dtype == jnp.bool_:
        return generator.random(leaf.shape) < 0.9
    if jnp.issubdtype(leaf.dtype, jnp.integer):
        return generator.integers(0, 64, leaf.shape, dtype=leaf.dtype)
    mean, deviation = _scale(path, leaf.shape)
    drawn = generator.standard_normal(leaf.shape, dtype=np.float32) * deviation + mean
    return np.abs(drawn) if "['second']" in path else drawn


def _scale(path: str, sizes: tuple[int, ...]) -> tuple[np.float32, np.float32]:
    """Mean and deviation of a floating point leaf."""
    known = {"table": (0, 0.5), "scale": (0.8, 0.08), "b": (0, 0.1), "shift": (0, 0.1)}
    if "['first']" in path or "['second']" in path:
        mean, deviation = 0.0, 1e-2
    elif path.endswith("['w']"):
        mean, deviation = 0.0, math.sqrt(2 / math.prod(sizes[:-1]))
    else:
        mean, deviation = known.get(path.split("['")[-1].removesuffix("']"), (0.0, 1.0))
    return np.float32(mean), np.float32(deviation)
