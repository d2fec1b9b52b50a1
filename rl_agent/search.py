"""Gumbel MuZero by `mctx`: search inside the learned model.

At the root, moves are drawn by Gumbel noise and halved in rounds; the improved policy is the
softmax of logits + a monotone of the completed Q (Danihelka et al. 2022). The only file that knows
mctx.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import mctx
from jax import Array

from cosmalloc.rl_agent.network import AnyArray, Network, Position
from cosmalloc.rl_agent.values import expected


class Searched(NamedTuple):
    """moves: int32[B], chosen. policy: float[B, A], improved. value: float[B], of the root."""

    moves: AnyArray
    policy: AnyArray
    value: AnyArray


@eqx.filter_jit
def model_search(
    network: Network,
    position: Position,
    embedded: Array | None,
    legal: AnyArray,
    key: Array,
    *,
    simulations: int,
    discount: float,
    gumbel: float | AnyArray = 1.0,
) -> Searched:
    """legal: bool[B, A]. gumbel: 0 for the best move instead of a sample."""
    bins = network.sizes.bins
    hidden = network.hidden(position, embedded)
    here = network.predict(hidden)
    root = mctx.RootFnOutput(
        prior_logits=here.policy, value=expected(here.value, bins), embedding=hidden
    )

    def step(
        model: Network, _key: Array, move: Array, state: Array
    ) -> tuple[mctx.RecurrentFnOutput, Array]:
        state, reward = model.advance(state, move)
        there = model.predict(state)
        return (
            mctx.RecurrentFnOutput(
                reward=expected(reward, bins),
                discount=jnp.full(move.shape, discount),
                prior_logits=there.policy,
                value=expected(there.value, bins),
            ),
            state,
        )

    found = mctx.gumbel_muzero_policy(
        network,
        key,
        root,
        step,
        num_simulations=simulations,
        invalid_actions=jnp.logical_not(legal),
        qtransform=partial(mctx.qtransform_completed_by_mix_value, rescale_values=False),
        max_num_considered_actions=network.sizes.moves,
        gumbel_scale=gumbel,
    )
    return Searched(found.action, found.action_weights, found.search_tree.node_values[:, 0])
