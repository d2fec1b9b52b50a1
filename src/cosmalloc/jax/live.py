"""Bytes of device memory that a JAX program must hold at once, counted in the program itself.

This looks at a jaxpr and nothing else: it knows no plan, so it can judge whether the program that
was rebuilt keeps to one.

    A value on the device is held from the equation that makes it to the last that reads it.
    What an optimization barrier returns is what it was given, and so for the guard around a leaf.
    What is copied to the host is held until the copy is first read (a copy may take that long).
    Arguments, constants and results are held throughout, as XLA holds them; a donated argument is
    the caller's to subtract.
"""

from __future__ import annotations

from typing import Any

import jax


def peak_of_jaxpr(closed: Any) -> int:
    """Bytes at the worst equation of a `jax.make_jaxpr(...)(...)`; inner jits are looked into,
    kernels are not: what one needs inside is its own."""
    closed = _opened(closed)
    jaxpr = closed.jaxpr
    owner: dict[Any, Any] = {}  # a value -> the value whose buffer it is
    first, last = {}, {}
    copied: dict[Any, Any] = {}  # a host copy -> the buffer it is made of
    for moment, equation in enumerate(jaxpr.eqns):
        name = equation.primitive.name
        read = [v for v in equation.invars if not hasattr(v, "val")]
        for value in read:
            buffer = owner.get(value, value)
            last[buffer] = moment
            if buffer in copied:
                last[copied.pop(buffer)] = moment
        if name in ("optimization_barrier", "custom_jvp_call"):
            owner.update({o: owner.get(i, i) for i, o in zip(read, equation.outvars, strict=True)})
            continue
        for made in equation.outvars:
            first[made] = last[made] = moment
        if name == "device_put" and _on_host(equation.outvars[0]):
            copied[equation.outvars[0]] = owner.get(read[0], read[0])
    steady = {*jaxpr.invars, *jaxpr.constvars}
    steady |= {owner.get(v, v) for v in jaxpr.outvars if not hasattr(v, "val")}
    change = [0] * (len(jaxpr.eqns) + 1)
    for value, moment in first.items():
        if not _on_host(value) and value not in steady:
            change[moment] += _bytes(value)
            change[last[value] + 1] -= _bytes(value)
    worst = alive = 0
    for step in change:
        alive += step
        worst = max(worst, alive)
    return worst + sum(_bytes(value) for value in steady if not _on_host(value))


def _opened(closed: Any) -> Any:
    """The program inside, where all there is is one jit."""
    while len(closed.jaxpr.eqns) == 1 and closed.jaxpr.eqns[0].primitive.name in ("pjit", "jit"):
        closed = closed.jaxpr.eqns[0].params["jaxpr"]
    return closed


def _on_host(value: Any) -> bool:
    return bool(value.aval.memory_space == jax.memory.Space.Host)


def _bytes(value: Any) -> int:
    aval = value.aval
    dtype = aval.dtype
    dtypes: Any = jax.dtypes
    if dtypes.issubdtype(dtype, dtypes.extended):
        return 0
    return int(aval.size * dtype.itemsize)
