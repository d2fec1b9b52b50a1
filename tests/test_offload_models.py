"""Every kind of model, in the least memory that it can do with, computes what it did."""

import jax
import jax.numpy as jnp
import pytest

from cosmalloc import verify
from cosmalloc.jax import offload
from tests.offload_models import MODELS, close, deep_arguments, least


@pytest.mark.parametrize("name", MODELS)
def test_a_model_computes_the_same_within_the_least_memory(name):
    model, arguments = MODELS[name]()
    limit = least(model, *arguments, solver="greedy")
    tight = offload(model, limit, solver="greedy")
    close(tight(*arguments), jax.jit(model)(*arguments))
    assert tight.latest.peak_bytes <= limit
    assert verify(tight.latest.problem, tight.plan) == []


def test_what_a_checkpoint_computes_again_is_kept_apart():
    def loss(params, x, layer):
        for weight in params:
            x = layer(x, weight)
        return x.sum()

    def layer(x, weight):
        return jnp.sin(jnp.sin(x @ weight) @ weight)

    def products(layer):
        step = jax.grad(lambda params, x: loss(params, x, layer))
        ready = offload(step, "1GiB", solver="greedy").prepare(*deep_arguments())
        kinds = [operator.kind for operator in ready.problem.operators]
        return kinds.count("dot_general"), ready.peak_bytes

    kept, more = products(layer)
    again, less = products(jax.checkpoint(layer))
    assert again > kept
    assert less < more
