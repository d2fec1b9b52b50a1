"""What an offloaded function holds in device memory, and what it copies."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import pytest

from cosmalloc import InputError
from cosmalloc.jax import offload, peak_of_jaxpr
from tests.offload_models import (
    deep,
    deep_arguments,
    least,
    same,
    train_arguments,
    train_step,
)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_the_program_itself_holds_no_more_than_the_limit(share):
    arguments = deep_arguments()
    low = least(deep, *arguments)
    high = offload(deep, "1GiB").prepare(*arguments).peak_bytes
    limit = round(low + share * (high - low))
    tight = offload(deep, limit)
    program = jax.make_jaxpr(tight)(*arguments)
    assert peak_of_jaxpr(program) <= limit
    assert peak_of_jaxpr(program) == tight.latest.peak_bytes


def test_one_byte_less_than_the_least_is_refused():
    arguments = deep_arguments()
    limit = least(deep, *arguments)
    offload(deep, limit).prepare(*arguments)
    with pytest.raises(InputError, match="too little"):
        offload(deep, limit - 1).prepare(*arguments)


def test_arguments_and_results_may_lie_in_host_memory():
    arguments = train_arguments()
    options = {"host_argnums": (0,), "host_outputs": (True, False)}
    limit = least(train_step, *arguments, **options)
    assert limit < least(train_step, *arguments)
    away = offload(train_step, limit, **options)
    found = away(*arguments)
    same(found, jax.jit(train_step)(*arguments))
    assert {leaf.sharding.memory_kind for leaf in jax.tree.leaves(found[0])} == {"pinned_host"}
    assert found[1].sharding.memory_kind == "device"
    again = away(found[0], *arguments[1:])  # what came out goes in
    same(again, jax.jit(train_step)(jax.jit(train_step)(*arguments)[0], *arguments[1:]))
    assert peak_of_jaxpr(jax.make_jaxpr(away)(found[0], *arguments[1:])) <= limit


def test_a_donated_argument_is_not_counted_twice():
    arguments = train_arguments()
    kept = least(train_step, *arguments)
    given = least(train_step, *arguments, donate_argnums=0)
    parameters = sum(leaf.nbytes for leaf in jax.tree.leaves(arguments[0]))
    assert kept - given == parameters
    step = offload(train_step, given, donate_argnums=0)
    expected = jax.jit(train_step)(*arguments)
    copy = jax.tree.map(jnp.copy, arguments[0])
    same(step(copy, *arguments[1:]), expected)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(copy))


def test_every_copy_of_the_plan_is_in_the_program():
    arguments = train_arguments()
    tight = offload(train_step, least(train_step, *arguments), platform="tpu")
    traced = jax.jit(tight).trace(*arguments)
    text = traced.lower(lowering_platforms=("tpu",)).as_text()
    copies = [line for line in text.splitlines() if "@annotate_device_placement" in line]
    assert len(copies) == len(tight.plan.transfers)
    stores = sum(copy.kind == "store" for copy in tight.plan.transfers)
    assert sum("pinned_host" in line for line in copies) == stores


def test_kernels_stand_in_the_plans_order_behind_barriers():
    arguments = deep_arguments()
    tight = offload(deep, least(deep, *arguments))
    names = [e.primitive.name for e in jax.make_jaxpr(tight)(*arguments).jaxpr.eqns]
    plumbing = ("optimization_barrier", "device_put", "custom_jvp_call")
    kernels = [place for place, name in enumerate(names) if name not in plumbing]
    assert len(kernels) == len(tight.plan.order)
    assert names.count("device_put") == len(tight.plan.transfers)
    for before, after in pairwise(kernels):
        assert "optimization_barrier" in names[before:after]


def test_a_donated_argument_in_host_memory_stays():
    arguments = train_arguments()
    step = offload(
        train_step,
        "1MiB",
        host_argnums=0,
        host_outputs=(True, False),
        donate_argnums=0,
        solver="greedy",
    )
    params = step(*arguments)[0]
    step(params, *arguments[1:])
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(params))
