"""A step of training, made of any family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Family, Model

Update = Callable[[Array, Array, list[Array]], tuple[Array, list[Array]]]


def train(family: Family) -> Family:
    """The family's model with a loss, the mean square of every floating output, its gradients in
    the floating parameters, and a drawn optimiser's update of them.

    The step takes (state, inputs...) and returns (new state, loss); the state holds the model's
    parameters and the optimiser's slots.
    """

    def step_of(draw: Draw) -> Model:
        function, (shapes, *inputs) = family(draw)
        leaves, tree = jax.tree.flatten(shapes)
        trained = [i for i, leaf in enumerate(leaves) if _floating(leaf)]
        slots, update = draw.one((_descent, _momentum, _adam))(draw)

        def step(state: Any, *inputs: Array) -> Any:
            arrays = jax.tree.leaves(state["params"])

            def loss(floating: list[Array]) -> Array:
                for i, array in zip(trained, floating, strict=True):
                    arrays[i] = array
                return _mean_square(function(jax.tree.unflatten(tree, arrays), *inputs))

            floating = [arrays[i] for i in trained]
            value, slopes = jax.value_and_grad(loss)(floating)
            kept = []
            for i, old, slope, own in zip(trained, floating, slopes, state["slots"], strict=True):
                arrays[i], new = update(old, slope, own)
                kept.append(new)
            return {"params": jax.tree.unflatten(tree, arrays), "slots": kept}, value

        own = [[leaves[i]] * slots for i in trained]
        return step, ({"params": shapes, "slots": own}, *inputs)

    return step_of


def _floating(leaf: Any) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def _mean_square(outputs: Any) -> Array:
    floating = [leaf for leaf in jax.tree.leaves(outputs) if _floating(leaf)]
    return sum((jnp.square(x.astype("float32")).mean() for x in floating), jnp.zeros(()))


def _descent(draw: Draw) -> tuple[int, Update]:
    """(number of slots, update): against the gradient, perhaps with decay of the weights."""
    rate, decay = draw.one((0.1, 0.01)), draw.one((0.0, 1e-4))

    def update(old: Array, slope: Array, slots: list[Array]) -> tuple[Array, list[Array]]:
        return old - rate * (slope + decay * old if decay else slope), slots

    return 0, update


def _momentum(draw: Draw) -> tuple[int, Update]:
    rate, kept, ahead = draw.one((0.1, 0.01)), draw.one((0.9, 0.99)), draw.flip()

    def update(old: Array, slope: Array, slots: list[Array]) -> tuple[Array, list[Array]]:
        speed = kept * slots[0] + slope
        return old - rate * (slope + kept * speed if ahead else speed), [speed]

    return 1, update


def _adam(draw: Draw) -> tuple[int, Update]:
    rate, decay = draw.one((1e-3, 3e-4)), draw.one((0.0, 0.01))

    def update(old: Array, slope: Array, slots: list[Array]) -> tuple[Array, list[Array]]:
        first = 0.9 * slots[0] + 0.1 * slope
        second = 0.999 * slots[1] + 0.001 * jnp.square(slope)
        move = first / (jnp.sqrt(second) + 1e-8) + (decay * old if decay else 0)
        return old - rate * move, [first, second]

    return 2, update
