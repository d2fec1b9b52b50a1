"""One step of learning.

    loss = mean over positions of  w (  sum_k  CE(policy_k, p_k) + v CE(value_k, z_k)
                                      + sum_{k>0} CE(reward_k, r_k) ) / (K + 1)  + decay |weights|^2

k = 0 is the position itself, k > 0 are the positions that the model believes in behind its moves;
their gradient into the model is halved at each move, as in MuZero (Schrittwieser et al. 2020). The
batch is cut over all devices of the mesh, the weights are on each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cosmalloc.rl_agent.network import AnyArray, Graphs, Network, Position, Prediction
from cosmalloc.rl_agent.replay import Batch
from cosmalloc.rl_agent.values import expected, two_hot


@dataclass(frozen=True, slots=True)
class Learning:
    """rate: of Adam, reached after `warmup` steps, constant then. decay: of weights. clip: of the
    gradient's norm. value: how much the value counts beside the policy."""

    rate: float = 1e-3
    warmup: int = 50
    decay: float = 1e-4
    clip: float = 1.0
    value: float = 0.5


class Losses(NamedTuple):
    """Means over the batch; agreement: how often the likeliest move is the target's; error:
    float[B], value learned - value seen, for the priorities."""

    loss: Array
    policy: Array
    value: Array
    reward: Array
    agreement: Array
    error: Array


class Learner(NamedTuple):
    """What learns: network, the optimiser's state, and how many steps it took."""

    network: Network
    optimiser: Any
    steps: int


def optimiser_of(how: Learning) -> optax.GradientTransformation:
    """Adam with decay, clipped."""
    rate = optax.linear_schedule(0.0, how.rate, max(1, how.warmup))
    adam = optax.adamw(rate, weight_decay=how.decay)
    flat: optax.GradientTransformation = optax.flatten(  # one array compiles sooner than fifty
        optax.chain(optax.clip_by_global_norm(how.clip), adam)
    )
    return flat


def new_learner(network: Network, how: Learning) -> Learner:
    """Before the first step."""
    return Learner(network, optimiser_of(how).init(eqx.filter(network, eqx.is_array)), 0)


def learn(
    learner: Learner, graphs: Graphs, batch: Batch, how: Learning, mesh: Mesh | None = None
) -> tuple[Learner, Losses]:
    """graphs: of the batch's programs, in its order. mesh: one axis `batch`; None: one device."""
    data = _spread(batch, mesh)
    network, state, losses = _step(learner.network, learner.optimiser, graphs, data, how)
    return Learner(network, state, learner.steps + 1), losses


def devices(count: int | None = None) -> Mesh:
    """A mesh of `count` devices, all if None."""
    found = jax.devices()[:count]
    return Mesh(np.array(found), ("batch",))


class _Data(NamedTuple):
    """A batch on its devices, see Batch."""

    position: Position
    legal: AnyArray
    moves: AnyArray
    rewards: AnyArray
    policy: AnyArray
    values: AnyArray
    inside: AnyArray
    weight: AnyArray


def _spread(batch: Batch, mesh: Mesh | None) -> _Data:
    data = _Data(
        Position(batch.board, batch.features, batch.graph, batch.node),
        batch.legal,
        batch.moves,
        batch.rewards,
        batch.policy,
        batch.values,
        batch.inside,
        batch.weight,
    )
    if mesh is None:
        return data
    spread: _Data = jax.device_put(data, NamedSharding(mesh, PartitionSpec("batch")))  # type: ignore[no-untyped-call]
    return spread


@eqx.filter_jit
def _step(
    network: Network, state: Any, graphs: Graphs, data: _Data, how: Learning
) -> tuple[Network, Any, Losses]:
    (_, losses), slope = eqx.filter_value_and_grad(_loss, has_aux=True)(network, graphs, data, how)
    change, state = optimiser_of(how).update(slope, state, eqx.filter(network, eqx.is_array))
    return eqx.apply_updates(network, change), state, losses


def _loss(network: Network, graphs: Graphs, data: _Data, how: Learning) -> tuple[Array, Losses]:
    bins = network.sizes.bins
    unroll = data.moves.shape[1]
    hidden = network.hidden(data.position, network.embed(graphs))
    first = network.predict(hidden)

    def parts(
        here: Prediction, legal: AnyArray | None, policy: Array, values: Array, inside: Array
    ) -> tuple[Array, Array]:
        logits = here.policy if legal is None else jnp.where(legal, here.policy, -1e9)
        return (
            _entropy(logits, policy) * inside,
            _entropy(here.value, two_hot(values, bins)) * inside,
        )

    def advance(hidden: Array, row: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        moves, rewards, policy, values, before, inside = row
        hidden = 0.5 * hidden + 0.5 * jax.lax.stop_gradient(hidden)
        hidden, guess = network.advance(hidden, moves)
        reward = _entropy(guess, two_hot(rewards, bins)) * before
        return hidden, (*parts(network.predict(hidden), None, policy, values, inside), reward)

    by_move = [jnp.moveaxis(jnp.asarray(each), 1, 0) for each in (data.moves, data.rewards)]
    policy, values, inside = (
        jnp.moveaxis(jnp.asarray(each), 1, 0) for each in (data.policy, data.values, data.inside)
    )
    rows = (*by_move, policy[1:], values[1:], inside[:-1], inside[1:])
    _, behind = jax.lax.scan(advance, hidden, rows)
    at_once = parts(first, data.legal, policy[0], values[0], inside[0])
    by_policy, by_value = (one + more.sum(0) for one, more in zip(at_once, behind, strict=False))
    by_reward = behind[2].sum(0)
    scale = data.weight / (unroll + 1)
    total = (scale * (by_policy + how.value * by_value + by_reward)).mean()
    best = jnp.argmax(jnp.where(data.legal, first.policy, -1e9), -1)
    losses = Losses(
        total,
        by_policy.mean() / (unroll + 1),
        by_value.mean() / (unroll + 1),
        by_reward.mean() / max(1, unroll),
        (best == jnp.argmax(policy[0], -1)).mean(),
        expected(first.value, bins) - values[0],
    )
    return total, losses


def _entropy(logits: Array, target: AnyArray) -> Array:
    """Cross entropy, float[B]."""
    return -(target * jax.nn.log_softmax(logits)).sum(-1)
