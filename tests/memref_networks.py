"""Random JAX functions of one 8x8 matrix: products, updates in place, softmax, scatters, skips."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def network(seed: int, donate: bool) -> Any:
    """A jitted function of a matrix, two results; `donate`: it may update its argument in place."""

    def function(x: Any) -> Any:
        dice = random.Random(seed)
        values = [x]
        for _ in range(dice.randint(4, 9)):
            recent = dice.choice(values[-3:])
            values.append(dice.choice(_STEPS)(recent, dice.choice(values), dice.randint(0, 5)))
        return values[-1], dice.choice(values[1:])

    return jax.jit(function, donate_argnums=(0,) if donate else ())


_STEPS: list[Callable[[Any, Any, int], Any]] = [
    lambda a, b, k: a @ b / 8,
    lambda a, b, k: jnp.tanh(a) + b,
    lambda a, b, k: lax.dynamic_update_slice(a, b[:2], (k, 0)),
    lambda a, b, k: a.T * b,
    lambda a, b, k: jax.nn.softmax(a @ b / 8),
    lambda a, b, k: jnp.concatenate([a[:k], b[k:]], 0),
    lambda a, b, k: a.at[k].add(1.0),
]
