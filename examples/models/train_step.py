"""One training step of a two-layer transformer language model: forward, backward, Adam.

Batch 4, 64 tokens, width 128, 256 words. Parameters and optimiser state are donated, so each new
one may take the bytes of the old one. Adam after Kingma and Ba (2014), with its bias correction.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.attention import block_shapes, causal_mask, pre_norm_block
from examples.models.layers import Model, Params, layer_norm, norm_shapes, shape

LAYERS, WIDTH, HEADS, HIDDEN, BATCH, TIME, WORDS = 2, 128, 4, 512, 4, 64, 256
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def train_step(
    params: Params, opt_state: dict[str, Any], tokens: Array
) -> tuple[Params, dict[str, Any], Array]:
    """tokens int32[4, 65] -> new parameters, new state, mean loss in nats per token.

    opt_state: `first` and `second`, pytrees like `params`, and `count`, int32[].
    """
    loss, gradient = jax.value_and_grad(_loss)(params, tokens)
    count = opt_state["count"] + 1
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, opt_state["first"], gradient)
    second = jax.tree.map(
        lambda v, g: BETA2 * v + (1 - BETA2) * g * g, opt_state["second"], gradient
    )
    rate = RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
    params = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON), params, first, second
    )
    return params, {"first": first, "second": second, "count": count}, loss


def _loss(params: Params, tokens: Array) -> Array:
    x = (
        jnp.take(params["words"]["table"], tokens[:, :-1], axis=0, mode="clip")
        + params["places"]["table"]
    )
    for block in params["blocks"]:
        x = pre_norm_block(block, x, causal_mask(TIME), HEADS)
    logits = layer_norm(params["norm"], x) @ params["words"]["table"].T
    found = jnp.take_along_axis(
        jax.nn.log_softmax(logits), tokens[:, 1:, None], axis=-1, mode="clip"
    )
    return -found.mean()


def model() -> Model:
    params = {
        "words": {"table": shape(WORDS, WIDTH)},
        "places": {"table": shape(TIME, WIDTH)},
        "blocks": [block_shapes(WIDTH, HIDDEN) for _ in range(LAYERS)],
        "norm": norm_shapes(WIDTH),
    }
    opt_state = {
        "first": params,
        "second": params,
        "count": jax.ShapeDtypeStruct((), jnp.int32),
    }
    donating: Any = jax.jit(train_step, donate_argnames=("params", "opt_state"))
    return donating, (params, opt_state, jax.ShapeDtypeStruct((BATCH, TIME + 1), jnp.int32))
