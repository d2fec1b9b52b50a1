"""Networks of 1,000 to 5,000 operators, defined here and exported on the spot.

gpt N           N pre-norm blocks, one forward pass over 128 tokens (as GPT-2 in `examples`)
decoder-train N one Adam step of a transformer language model of N blocks, state donated
resnet-train    one step of gradient descent on ResNet-50, batch 8 of 64 x 64
mlp-train N     one Adam step of a perceptron of N layers
chain N         a chain of N operators with skips and weights of random sizes
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, export

from cosmalloc.map_model import map_model
from cosmalloc.passes.reading import Tracking
from cosmalloc.problem import Problem
from examples.models.attention import block_shapes, causal_mask, pre_norm_block
from examples.models.layers import (
    Model,
    Params,
    dense,
    dense_shapes,
    layer_norm,
    norm_shapes,
    shape,
)
from examples.models.resnet50 import model as resnet50

RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
Loss = Callable[[Any, Any], Array]


def gpt(blocks: int, width: int = 256, heads: int = 4, words: int = 1000) -> Model:
    """Logits of the last of 128 tokens."""
    params = _language(blocks, width, words)

    def forward(params: Params, tokens: Array) -> Array:
        return _hidden(params, tokens, heads)[:, -1, :] @ params["words"].T

    return forward, (params, jax.ShapeDtypeStruct((1, 128), jnp.int32))


def decoder_train(blocks: int, width: int = 128, heads: int = 4, words: int = 512) -> Model:
    """One step of Adam on 2 x 64 tokens."""

    def loss(params: Params, tokens: Array) -> Array:
        logits = _hidden(params, tokens[:, :-1], heads) @ params["words"].T
        said = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(said, tokens[:, 1:, None], axis=-1, mode="clip").mean()

    tokens = jax.ShapeDtypeStruct((2, 65), jnp.int32)
    return _adam(loss, _language(blocks, width, words), tokens)


def mlp_train(layers: int, width: int = 64) -> Model:
    """One step of Adam on 32 vectors."""

    def loss(params: list[Params], batch: Array) -> Array:
        x = batch
        for layer in params:
            x = jnp.tanh(dense(layer, x))
        return jnp.square(x).mean()

    return _adam(loss, [dense_shapes(width, width) for _ in range(layers)], shape(32, width))


def resnet_train() -> Model:
    """One step of gradient descent."""
    forward, (params, _) = resnet50()

    def step(params: Params, images: Array) -> tuple[Params, Array]:
        loss, gradient = jax.value_and_grad(lambda p: jnp.square(forward(p, images)).mean())(params)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradient), loss

    return step, (params, shape(8, 64, 64, 3))


def _language(blocks: int, width: int, words: int) -> Params:
    return {
        "words": shape(words, width),
        "places": shape(128, width),
        "blocks": [block_shapes(width, 4 * width) for _ in range(blocks)],
        "norm": norm_shapes(width),
    }


def _hidden(params: Params, tokens: Array, heads: int) -> Array:
    time = tokens.shape[1]
    x = jnp.take(params["words"], tokens, axis=0, mode="clip") + params["places"][:time]
    for block in params["blocks"]:
        x = pre_norm_block(block, x, causal_mask(time), heads)
    return layer_norm(params["norm"], x)


def _adam(loss: Loss, params: Any, batch: Any) -> Model:
    def step(params: Any, state: Any, batch: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(params, batch)
        first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, state["first"], gradient)
        second = jax.tree.map(
            lambda v, g: BETA2 * v + (1 - BETA2) * g * g, state["second"], gradient
        )
        params = jax.tree.map(
            lambda p, m, v: p - RATE * m / (jnp.sqrt(v) + EPSILON), params, first, second
        )
        return params, {"first": first, "second": second}, value

    donating: Any = jax.jit(step, donate_argnums=(0, 1))
    return donating, (params, {"first": params, "second": params}, batch)


MODELS: dict[str, Callable[[], Model]] = {
    "gpt24": lambda: gpt(24),
    "gpt80": lambda: gpt(80),
    "decoder4-train": lambda: decoder_train(4),
    "decoder12-train": lambda: decoder_train(12),
    "mlp64-train": lambda: mlp_train(64),
    "resnet50-train": resnet_train,
}


def problem_of(name: str, tracked: Tracking) -> Problem:
    """One operator per node of the graph, a scratchpad without end, no alignment."""
    function, arguments = MODELS[name]()
    exported = export.export(jax.jit(function))(*arguments)
    mapped = map_model(
        exported,
        name=name,
        target="npu-8mib",
        group="single",
        track=tracked,
        solver="greedy",
        scratchpad=2**40,
        alignment=1,
    )
    return mapped.problem
