"""An int8 network that spills: whole numbers, so that every correct run has the same bits."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import cosmalloc
from cosmalloc.target_file import custom, load_target


def _conv(x: Any, w: Any) -> Any:
    dims = ("NHWC", "HWIO", "NHWC")
    kind = jnp.int32
    return lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=dims, preferred_element_type=kind
    )


def _narrow(total: Any, shift: int) -> Any:
    small = jnp.clip((total * 5 + (1 << (shift - 1))) >> shift, -128, 127)
    return jnp.maximum(small.astype(jnp.int8), 0)


def network(params: Any, x: Any) -> Any:
    """Four convolutions of int8 with a skip over three, then a product."""
    early = _narrow(_conv(x, params["a"]), 6)
    y = _narrow(_conv(early, params["b"]), 9)
    y = _narrow(_conv(y, params["c"]), 9)
    y = _conv(y, params["d"])
    y = _narrow(y + early.astype(jnp.int32) * 130, 10)
    return lax.dot_general(
        y.reshape(1, -1), params["e"], (((1,), (0,)), ((), ())), preferred_element_type=jnp.int32
    )


@cache
def mapped() -> tuple[cosmalloc.MappedModel, list[Any]]:
    shapes = [(3, 3, 3, 8), (3, 3, 8, 16), (3, 3, 16, 16), (3, 3, 16, 8), (512, 10), (1, 8, 8, 3)]
    dice = np.random.default_rng(0)
    *params, x = (dice.integers(-60, 60, shape).astype(np.int8) for shape in shapes)
    arguments = (dict(zip("abcde", params, strict=True)), x)
    machine = custom(load_target("npu-2mib"), scratchpad=2048)
    found = cosmalloc.map_model(network, arguments, target=machine, solver="greedy")
    return found, jax.tree.leaves(arguments)
