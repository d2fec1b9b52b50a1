"""Functions to offload, with arguments: small, and deeper than they are wide."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cosmalloc import InputError
from cosmalloc.jax import offload


def key(number):
    return jax.random.fold_in(jax.random.key(0), number)


def deep(params, x):
    """Layers with a skip from the first to the last."""
    early = x = jnp.tanh(x @ params[0])
    for weight in params[1:]:
        x = jnp.tanh(x @ weight)
    return x + early


def deep_arguments():
    params = [jax.random.normal(key(i), (32, 32)) / 6 for i in range(6)]
    return params, jax.random.normal(key(9), (64, 32))


def loss(params, x):
    for layer in params:
        x = jnp.tanh(x @ layer["w"] + layer["b"])
    return jnp.mean(x**2)


def train_step(params, x):
    """Parameters after a step of gradient descent, and the loss."""
    value, slope = jax.value_and_grad(loss)(params, x)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, slope), value


def train_arguments():
    params = [
        {"w": jax.random.normal(key(i), (16, 16)) / 4, "b": jnp.full((16,), 0.1)} for i in range(5)
    ]
    return params, jax.random.normal(key(9), (128, 16))


def attention():
    """A transformer block."""

    def block(params, x):
        heads, size = 4, 8
        q, k, v = (
            (x @ params[name]).reshape(*x.shape[:2], heads, size).transpose(0, 2, 1, 3)
            for name in "qkv"
        )
        weights = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / size**0.5)
        mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        x = x + mixed @ params["o"]
        return x + jax.nn.gelu(x @ params["up"]) @ params["down"]

    shapes = {**dict.fromkeys("qkvo", (32, 32)), "up": (32, 64), "down": (64, 32)}
    params = {n: jax.random.normal(key(i), s) / 6 for i, (n, s) in enumerate(shapes.items())}
    return block, (params, jax.random.normal(key(9), (2, 16, 32)))


def convolutions():
    """Three convolutions, a pool and a skip."""

    def net(params, x):
        first = x
        for weight in params:
            x = jax.nn.relu(
                jax.lax.conv_general_dilated(
                    x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
                )
            )
        return jax.lax.reduce_window(
            x + first, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        )

    params = [jax.random.normal(key(i), (3, 3, 8, 8)) / 8 for i in range(3)]
    return net, (params, jax.random.normal(key(9), (1, 12, 12, 8)))


def recurrent():
    """A scan, a branch and an update in place."""

    def net(weight, x):
        def turn(state, row):
            state = jnp.tanh(state @ weight + row)
            return state, state

        state, rows = jax.lax.scan(turn, jnp.zeros(16), x)
        rows = rows.at[2].set(state).at[0].add(1.0)
        return jax.lax.cond(state.sum() > 0, lambda r: r * 2, lambda r: -r, rows), jnp.sort(state)

    return net, (jax.random.normal(key(1), (16, 16)) / 4, jax.random.normal(key(2), (10, 16)))


def adam():
    """A train step with an optimizer that keeps two moments."""

    def step(state, x):
        params, first, second = state
        value, slope = jax.value_and_grad(loss)(params, x)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda m, g: 0.99 * m + 0.01 * g * g, second, slope)
        params = jax.tree.map(
            lambda p, m, v: p - 0.01 * m / (jnp.sqrt(v) + 1e-3), params, first, second
        )
        return (params, first, second), value

    params, x = train_arguments()
    zeros = jax.tree.map(jnp.zeros_like, params)
    return step, ((params, zeros, zeros), x)


def remat():
    """`jax.checkpoint` inside."""

    def net(params, x):
        step = jax.checkpoint(lambda x, w: jnp.sin(x @ w))
        for weight in params:
            x = step(x, weight)
        return x.sum()

    return jax.value_and_grad(net), deep_arguments()


MODELS = {made.__name__: made for made in (attention, convolutions, recurrent, adam, remat)} | {
    "deep": lambda: (deep, deep_arguments())
}


def same(left, right):
    """Equal trees, types and bits."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for mine, theirs in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert mine.dtype == theirs.dtype
        if jnp.issubdtype(mine.dtype, jax.dtypes.prng_key):
            mine, theirs = jax.random.key_data(mine), jax.random.key_data(theirs)
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def close(left, right):
    """Equal but for how XLA:CPU fuses: it sees one program here and kernels there."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for mine, theirs in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-5, atol=1e-6)


def least(function, *arguments, **options):
    """The limit that the error names."""
    with pytest.raises(InputError, match="too little") as caught:
        offload(function, 1, **options).prepare(*arguments)
    return int(caught.value.hint.split("`device_bytes=")[1].split("`")[0])
