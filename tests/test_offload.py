"""Offloaded functions compute what the plain ones do, within the memory that they were given."""

import jax
import jax.numpy as jnp
import pytest

from cosmalloc import InputError
from cosmalloc.jax import offload
from tests.offload_models import (
    close,
    deep,
    deep_arguments,
    least,
    same,
    train_arguments,
    train_step,
)


def test_a_train_step_computes_the_same_bits_and_moves_something():
    arguments = train_arguments()
    limit = least(train_step, *arguments)
    tight = offload(train_step, limit)
    plain = jax.jit(train_step)(*arguments)
    same(tight(*arguments), plain)
    same(jax.jit(tight)(*arguments), plain)
    assert tight.latest.moved_bytes > 0
    roomy = offload(train_step, "1GiB")
    same(roomy(*arguments), plain)
    assert roomy.latest.moved_bytes == 0
    assert roomy.latest.peak_bytes > limit


def test_two_steps_may_be_one_jit():
    arguments = train_arguments()
    step = offload(train_step, least(train_step, *arguments))

    def twice(params, *rest):
        params, _ = step(params, *rest)
        return step(params, *rest)

    def plain(params, *rest):
        params, _ = train_step(params, *rest)
        return train_step(params, *rest)

    close(jax.jit(twice)(*arguments), jax.jit(plain)(*arguments))


def test_static_arguments_keys_and_keywords_pass_through():
    def noisy(x, times, key, *, scale):
        for _ in range(times):
            key, use = jax.random.split(key)
            x = x + scale * jax.random.normal(use, x.shape)
        return {"x": x, "key": key, "same": x}, None

    x, key = jnp.ones((8, 16)), jax.random.key(3)
    mine = offload(noisy, "1MiB", static_argnums=1)
    for times in (1, 3):
        expected = jax.jit(noisy, static_argnums=1)(x, times, key, scale=0.5)
        close_but_key = mine(x, times, key, scale=0.5)
        same(close_but_key[0]["key"], expected[0]["key"])
        close(close_but_key[0]["x"], expected[0]["x"])
        assert close_but_key[1] is None
    assert mine.latest.outcome.status == "optimal"


def test_an_argument_or_a_constant_may_be_a_result():
    table = jnp.arange(4096.0).reshape(64, 64)

    def passing(x, y):
        return x, y.T, table, jnp.sum(x @ table), y.reshape(-1), 3

    arguments = jnp.ones((4, 64)), jnp.ones((2, 3))
    close(offload(passing, "1MiB")(*arguments), jax.jit(passing)(*arguments))
    away = offload(passing, "1MiB", host_argnums=(0, 1), host_outputs=True)
    close(away(*arguments), jax.jit(passing)(*arguments))


def test_a_plan_is_made_once_per_signature():
    arguments = deep_arguments()
    tight = offload(deep, "1GiB")
    tight(*arguments)
    first = tight.latest
    tight(*arguments)
    assert tight.latest is first
    tight.prepare(arguments[0], jax.ShapeDtypeStruct((2, 32), jnp.float32))
    assert tight.latest is not first


def test_the_report_of_a_plan_is_written(tmp_path):
    arguments = deep_arguments()
    offload(deep, "1GiB", report=tmp_path / "plan.html").prepare(*arguments)
    assert "<html" in (tmp_path / "plan.html").read_text()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: offload(deep, "many"), "`many` is no number of bytes"),
        (lambda: offload(deep, -1), "-1 is no number of bytes"),
        (lambda: offload(deep, 1.5), "1.5 is no number of bytes"),
        (lambda: offload(deep, 1, host_argnums=-3), "names -3, no position of an argument"),
        (lambda: offload(deep, 1, static_argnums=0, donate_argnums=0), "argument 0 is static"),
        (lambda: offload(deep, 1, static_argnums=0)([1], 2.0), "argument 0 is a list"),
        (lambda: offload(deep, 1, host_argnums=2)(1.0, 2.0), "has 2 positional arguments"),
        (lambda: offload(deep, 1)("x", 2.0), "argument `params` is a str, no array"),
        (lambda: offload(deep, 1).plan, "nothing is planned yet"),
        (
            lambda: offload(deep, "1GiB", host_outputs=(True, True))(*deep_arguments()),
            "`host_outputs` does not fit",
        ),
        (
            lambda: offload(deep, "1GiB", host_outputs="yes")(*deep_arguments()),
            "something else than True and False",
        ),
        (
            lambda: jax.vmap(offload(deep, "1GiB"), (None, 0))(
                deep_arguments()[0], jnp.ones((2, 64, 32))
            ),
            "can't be batched",
        ),
        (
            lambda: jax.grad(lambda x: offload(deep, "1GiB")(deep_arguments()[0], x).sum())(
                deep_arguments()[1]
            ),
            "can't be differentiated",
        ),
    ],
)
def test_what_can_be_mended_is_said(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_callback_is_refused():
    def talks(x):
        jax.debug.print("{}", x)
        return jax.pure_callback(lambda v: v, x, x)

    with pytest.raises(InputError, match="call"):
        offload(talks, "1MiB")(jnp.ones(3))
