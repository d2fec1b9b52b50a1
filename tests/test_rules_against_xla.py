"""Flops and bytes beside XLA's own figures: HloCostAnalysis of the unoptimised HLO."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from cosmalloc.passes.context import entry, parse
from cosmalloc.passes.rules import Rules

Program = tuple[Callable[..., Any], tuple[jax.ShapeDtypeStruct, ...]]


def program(f: Callable[..., Any], *shapes: tuple[int, ...], dtype: Any = jnp.float32) -> Program:
    return f, tuple(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes)


def ours_and_xlas(case: Program) -> tuple[dict[str, float], dict[str, float]]:
    """flops, transcendentals and bytes accessed of a program: by the rules, by XLA."""
    f, arguments = case
    lowered = jax.jit(f).lower(*arguments)
    module = parse(lowered.as_text(), "a test")
    cost = Rules().function_cost(entry(module.operation))
    ours = {
        "flops": cost.flops,
        "transcendentals": cost.transcendentals,
        "bytes accessed": sum(cost.read) + sum(cost.written) + cost.inside,
    }
    theirs = lowered.cost_analysis() or {}
    return ours, {word: theirs.get(word, 0) for word in ours}


def conv(
    image: tuple[int, ...],
    kernel: tuple[int, ...],
    padding: Any = "VALID",
    stride: int = 1,
    base: int = 1,
    holes: int = 1,
    **groups: int,
) -> Program:
    """NCHW images, OIHW kernels."""
    run = partial(
        lax.conv_general_dilated,
        window_strides=(stride, stride),
        padding=padding,
        lhs_dilation=(base, base),
        rhs_dilation=(holes, holes),
        **groups,
    )
    return program(run, image, kernel)


def window(size: int, stride: int, padding: str) -> Program:
    def run(a: jax.Array) -> jax.Array:
        return lax.reduce_window(a, 0.0, lax.add, (size, size), (stride, stride), padding)

    return program(run, (9, 12))


def attention(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return jax.nn.softmax(q @ k.mT, axis=-1) @ v


def conv_loss(a: jax.Array, w: jax.Array) -> jax.Array:
    made = lax.conv_general_dilated(a, w, (2, 2), "SAME")
    return jnp.sum(lax.reduce_window(made, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"))


I32 = jax.ShapeDtypeStruct((), jnp.int32)
MATRIX = jax.ShapeDtypeStruct((8, 16), jnp.float32)
ROWS = jax.ShapeDtypeStruct((3, 16), jnp.float32)
WHICH = jax.ShapeDtypeStruct((3, 1), jnp.int32)
GATHER = lax.GatherDimensionNumbers((1,), (0,), (0,))
SCATTER = lax.ScatterDimensionNumbers((1,), (0,), (0,))


def update(a: jax.Array, u: jax.Array, i: jax.Array) -> jax.Array:
    return lax.dynamic_update_slice(a, u, (i, 0), allow_negative_indices=False)


def max_pool_loss(a: jax.Array) -> jax.Array:
    return jnp.sum(lax.reduce_window(a, -jnp.inf, lax.max, (2, 2), (2, 2), "VALID"))


EQUAL: dict[str, Program] = {
    "add": program(jnp.add, (8, 16), (8, 16)),
    "exp": program(jnp.exp, (8, 16)),
    "power": program(jnp.power, (8, 16), (8, 16)),
    "erf": program(lax.erf, (8, 16)),
    "convert": program(lambda a: a.astype(jnp.bfloat16), (8, 16)),
    "compare": program(lax.lt, (8, 16), (8, 16)),
    "select": program(lambda a, b: lax.select(a < b, a, b), (8, 16), (8, 16)),
    "clamp": program(lax.clamp, (8, 16), (8, 16), (8, 16)),
    "complex": program(jnp.real, (8, 16), dtype=jnp.complex64),
    "integers": program(jnp.bitwise_and, (8, 16), (8, 16), dtype=jnp.int32),
    "broadcast": program(lambda a: lax.broadcast(a, (7,)), (8, 16)),
    "iota": program(lambda: lax.iota(jnp.float32, 100)),
    "reverse": program(lambda a: lax.rev(a, (0,)), (8, 16)),
    "slice": program(lambda a: lax.slice(a, (1, 2), (7, 15), (2, 3)), (8, 16)),
    "pad": program(lambda a: lax.pad(a, 0.0, ((1, 2, 0), (0, 1, 3))), (8, 16)),
    "concatenate": program(lambda a, b: lax.concatenate([a, b], 0), (8, 16), (3, 16)),
    "matrix product": program(jnp.matmul, (8, 16), (16, 5)),
    "batch of products": program(partial(jnp.einsum, "bij,bkj->bik"), (3, 8, 16), (3, 5, 16)),
    "complex product": program(jnp.matmul, (8, 16), (16, 5), dtype=jnp.complex64),
    "sum": program(lambda a: lax.reduce(a, 0.0, lax.add, (1,)), (8, 16)),
    "sum of all": program(jnp.sum, (8, 16)),
    "product": program(lambda a: jnp.prod(a, axis=0), (8, 16)),
    "windows, touching": window(3, 3, "VALID"),
    "windows, overlapping": window(3, 1, "SAME"),
    "convolution": conv((2, 4, 9, 9), (6, 4, 3, 3)),
    "convolution, padded": conv((2, 4, 9, 9), (6, 4, 3, 3), "SAME"),
    "convolution, strided": conv((2, 4, 9, 9), (6, 4, 3, 3), "SAME", stride=2),
    "convolution, dilated": conv((2, 4, 9, 9), (6, 4, 3, 3), ((2, 3), (1, 0)), holes=2),
    "convolution, transposed": conv((2, 4, 9, 9), (6, 4, 3, 3), ((2, 2), (2, 1)), base=2),
    "convolution, depthwise": conv((2, 4, 9, 9), (8, 1, 3, 3), "SAME", feature_group_count=4),
    "convolution, batch groups": conv((4, 4, 9, 9), (8, 4, 3, 3), batch_group_count=2),
    "running sum": program(lambda a: jnp.cumsum(a, 0), (8, 16)),
    "window gradient": program(jax.grad(max_pool_loss), (8, 16)),
    "gather": (lambda a, i: lax.gather(a, i, GATHER, (1, 16)), (MATRIX, WHICH)),
    "scatter": (lambda a, i, u: lax.scatter_add(a, i, u, SCATTER), (MATRIX, WHICH, ROWS)),
}


@pytest.mark.parametrize("name", EQUAL)
def test_the_figures_equal_xlas(name: str) -> None:
    ours, theirs = ours_and_xlas(EQUAL[name])
    assert ours == theirs


SAME_FLOPS: dict[str, Program] = {
    "outer product": program(jnp.outer, (8,), (16,)),
    "convolution, all at once": conv(
        (2, 4, 9, 9), (6, 4, 5, 3), ((-1, 2), (4, 1)), stride=3, base=2, holes=3
    ),
    "attention": program(attention, (3, 8, 16), (3, 8, 16), (3, 8, 16)),
    "gradients of a convolution": program(jax.grad(conv_loss, (0, 1)), (2, 4, 9, 9), (6, 4, 3, 3)),
}


@pytest.mark.parametrize("name", SAME_FLOPS)
def test_the_flops_equal_xlas_where_views_make_the_bytes_differ(name: str) -> None:
    ours, theirs = ours_and_xlas(SAME_FLOPS[name])
    assert ours["flops"] == theirs["flops"]
    assert ours["transcendentals"] == theirs["transcendentals"]


BYTES: dict[str, tuple[Program, int, int]] = {  # program, our bytes, XLA's
    "a reshape moves nothing": (program(jnp.ravel, (8, 16)), 0, 1024),
    "a bitcast neither": (
        program(lambda a: lax.bitcast_convert_type(a, jnp.int32) + 1, (8, 16)),
        2 * 512 + (4 + 512) + 512,
        2 * 512 + 1024 + (4 + 512) + 512,
    ),
    "XLA gives a transpose to the layouts": (program(jnp.transpose, (8, 16)), 1024, 0),
    "a strided kernel of one position skips rows": (
        conv((2, 4, 8, 8), (6, 4, 1, 1), stride=2),
        4 * (2 * 4 * 4 * 4 + 24 + 2 * 6 * 4 * 4),
        4 * (2 * 4 * 8 * 8 + 24 + 2 * 6 * 4 * 4),
    ),
    "XLA reads the first index alone": ((update, (MATRIX, ROWS, I32)), 384 + 8, 384 + 4),
    "windows far apart skip elements": (
        window(1, 2, "VALID"),
        4 * (30 + 1 + 30),
        4 * (108 + 1 + 30),
    ),
    "windows that do not fit leave a border": (
        window(2, 2, "VALID"),
        4 * (96 + 1 + 24),
        4 * (108 + 1 + 24),
    ),
    "what negative padding drops is not read": (
        program(lambda a: lax.pad(a, 0.0, ((-1, -2, 0), (0, 0, 0))), (8, 16)),
        4 * (80 + 1 + 80),
        4 * (128 + 1 + 80),
    ),
}


@pytest.mark.parametrize("why", BYTES)
def test_bytes_differ_from_xlas_for_a_reason(why: str) -> None:
    case, mine, xlas = BYTES[why]
    ours, theirs = ours_and_xlas(case)
    assert (ours["bytes accessed"], theirs["bytes accessed"]) == (mine, xlas)


FLOPS: dict[str, tuple[Program, int, int]] = {  # program, our flops, XLA's
    "a sort compares along its dimension, as often as its comparator says": (
        program(lambda a: lax.sort(a, is_stable=False), (8, 16)),
        8 * 16 * 4 * 9,  # log2 16 = 4; JAX's comparator of floats has 9 operations
        8 * 16 * 7,  # log2 128 = 7
    ),
    "5 n log2 n for an fft": (
        program(jnp.fft.fft, (4, 64), dtype=jnp.complex64),
        5 * 4 * 64 * 6,
        8 * 4 * 64 * 6,
    ),
    "half of it for a real one": (
        program(jnp.fft.rfft, (4, 64)),
        5 * 4 * 64 * 6 // 2,
        8 * 4 * 64 * 6,
    ),
    "XLA counts one trip of a loop": (
        program(lambda a: lax.fori_loop(0, 10, lambda _, c: c * 2, a), (8, 16)),
        10 * (128 + 1) + 11,
        128 + 1 + 1,
    ),
}


@pytest.mark.parametrize("why", FLOPS)
def test_flops_differ_from_xlas_for_a_reason(why: str) -> None:
    case, mine, xlas = FLOPS[why]
    ours, theirs = ours_and_xlas(case)
    assert (ours["flops"], theirs["flops"]) == (mine, xlas)
