"""Steps of learning: the loss, the optimiser, one update, and the running mean of the weights.

    loss = |e| / b + log b                    e = predicted - measured log-seconds, b = exp(spread)
         + 0.1 * (is there memory: cross entropy; how much: |log2 error|)
         + |t| / (2 c)                          t = predicted - the teachers' log-seconds, c their b

The Laplace density is the one whose likeliest centre is the median, which is what relative errors
are about. Teachers are there for a network that learns what an ensemble knows (Hinton, Vinyals and
Dean, arXiv 1503.02531).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jax import Array

from cosmalloc.cost_model.batches import Batch
from cosmalloc.cost_model.network import Network, Output

_KEEP = 0.998  # of the running mean per step
_MEMORY = 0.1
LEAST_SPREAD = -4.0  # log b


class Labels(NamedTuple):
    """Of a batch's B places: (B) log-seconds; (B, 2) bytes, temporary and of code; (B) 1 for a
    kernel, 0 for none; taught: (B, 2) the teachers' log-seconds and 1 / c, 0 without teachers."""

    log_seconds: npt.NDArray[np.float32]
    memory: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
    taught: npt.NDArray[np.float32]


class Learner(NamedTuple):
    """network, its running mean, optimiser's state, steps done."""

    network: Network
    mean: Network
    state: Any
    steps: Array


def loss(network: Network, batch: Batch, labels: Labels) -> Array:
    """Mean over the kernels of a batch."""
    out = network(batch)
    spread = jnp.maximum(out.log_spread, LEAST_SPREAD)
    error = jnp.abs(out.log_seconds - labels.log_seconds)
    seconds = error * jnp.exp(-spread) + spread
    known, some = labels.memory >= 0, (labels.memory > 0).astype(jnp.float32)
    exists = optax.sigmoid_binary_cross_entropy(out.memory[:, 0::2], some)
    amount = (
        jnp.abs(out.memory[:, 1::2] * 10 - jnp.log2(1 + jnp.maximum(labels.memory, 0))) * some / 4
    )
    taught = jnp.abs(out.log_seconds - labels.taught[:, 0]) * labels.taught[:, 1] / 2
    each = seconds + error + taught + _MEMORY * ((exists + amount) * known).sum(axis=1)
    return jnp.sum(each * labels.weight) / jnp.maximum(labels.weight.sum(), 1)


@lru_cache
def optimiser(steps: int, rate: float = 2e-3) -> optax.GradientTransformation:
    """AdamW with warm-up and a cosine over `steps`."""
    schedule = optax.warmup_cosine_decay_schedule(0.0, rate, min(500, steps // 10), steps, 1e-6)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-2))


def new_learner(network: Network, optimise: optax.GradientTransformation) -> Learner:
    """Before the first step."""
    state = optimise.init(eqx.filter(network, eqx.is_array))
    return Learner(network, network, state, jnp.zeros((), jnp.int32))


_slope = eqx.filter_jit(eqx.filter_value_and_grad(loss))  # compiled once per shape


@eqx.filter_jit
def outputs(network: Network, batch: Batch) -> Output:
    """What a network says of a batch, compiled once per shape."""
    return network(batch)


def step(
    learner: Learner, optimise: optax.GradientTransformation, batch: Batch, labels: Labels
) -> tuple[Learner, Array]:
    """One update: the learner after it, and the loss before."""
    value, slope = _slope(learner.network, batch, labels)
    return _changed(learner, optimise, slope), value


@eqx.filter_jit
def _changed(learner: Learner, optimise: optax.GradientTransformation, slope: Network) -> Learner:
    arrays = eqx.filter(learner.network, eqx.is_array)
    steps, state = optimise.update(slope, learner.state, arrays)
    network = eqx.apply_updates(learner.network, steps)
    keep = jnp.minimum(_KEEP, (1 + learner.steps) / (10 + learner.steps))
    mean = jax.tree.map(
        lambda old, new: old * keep + new * (1 - keep) if eqx.is_array(old) else old,
        learner.mean,
        network,
    )
    return Learner(network, mean, state, learner.steps + 1)
