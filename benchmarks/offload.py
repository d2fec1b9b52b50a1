"""A train step in less device memory: plain JAX, `jax.checkpoint` and `cosmalloc.jax.offload`.

    python -m benchmarks.offload                            what XLA:CPU says, or runs on a GPU
    python -m benchmarks.offload --absent h100              XLA's compiler for an absent GPU

The program is a step of gradient descent on a transformer in float32, its parameters donated.
Variants: `plain`; `checkpoint`, every layer under `jax.checkpoint`; `offload` of plain with limits
between the least that works and the plan that copies nothing (`--shares`: 0 and 1); `both`, the
same of `checkpoint`; and `fitted`, `offload` planned again until XLA's own count keeps to the
limit.

Columns: the limit; what the plan uses; what it copies to the host and back; XLA's own count of
device and host memory (`compiled.memory_analysis()`); seconds to trace and plan, and to compile;
milliseconds of a step by the plan's time line (an H100 at its peak rates with PCIe Gen5: a model).
On a GPU each variant is a process of its own, which also runs: peak of the allocator, seconds a
step (median of 10), loss. Elsewhere these three are empty: they can only be measured on a GPU.

XLA:CPU drops optimization barriers and has no second memory, so its count follows no plan. With
`--absent` (`h100`, or a GpuTargetConfigProto as text) and the packages `jax-cuda12-plugin` and
`jax-cuda12-pjrt` the real compiler for GPUs plans buffers for a GPU that need not be there; with
the default size that takes three minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.absent_gpu import absent_gpu, compile_for
from cosmalloc.errors import InputError
from cosmalloc.jax import Offloaded, compiled_bytes, fitted, offload

MIB = 2**20
RUNS = 10
HEAD = (
    "variant",
    "limit MiB",
    "plan MiB",
    "copied MiB",
    "XLA device MiB",
    "XLA host MiB",
    "plan s",
    "compile s",
    "model ms",
    "peak MiB",
    "step s",
    "loss",
)


@dataclass(frozen=True)
class Size:
    """Of the transformer: layers, width (heads of 64), sequences, tokens in each."""

    layers: int
    width: int
    batch: int
    length: int


@dataclass(frozen=True)
class Row:
    """Bytes and seconds, None where there is nothing to say."""

    variant: str
    limit: int | None = None
    plan: int | None = None
    copied: int | None = None
    device: int | None = None
    host: int | None = None
    planning: float | None = None
    compiling: float | None = None
    model: float | None = None
    peak: int | None = None
    step: float | None = None
    loss: float | None = None
    why: str = ""


def parameters(size: Size) -> Any:
    """Types of the parameters: a list of layers."""
    square, wide = (size.width, size.width), (size.width, 4 * size.width)
    shapes = {**dict.fromkeys(("q", "k", "v", "o"), square), "up": wide, "down": wide[::-1]}
    make: Any = jax.ShapeDtypeStruct
    layer = {name: make(shape, jnp.float32) for name, shape in shapes.items()}
    return [layer] * size.layers


def layer(x: Any, weights: Any) -> Any:
    """A block of attention and one of two products."""
    batch, length, width = x.shape
    q, k, v = (
        (norm(x) @ weights[name]).reshape(batch, length, width // 64, 64).transpose(0, 2, 1, 3)
        for name in ("q", "k", "v")
    )
    scores = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / 8)
    x = x + (scores @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ weights["o"]
    return x + jax.nn.gelu(norm(x) @ weights["up"]) @ weights["down"]


def norm(x: Any) -> Any:
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6)


def train_step(params: Any, x: Any, *, apply: Callable[[Any, Any], Any] = layer) -> Any:
    """Parameters after a step, and the loss."""

    def loss(params: Any) -> Any:
        y = x
        for weights in params:
            y = apply(y, weights)
        return jnp.mean((y - x) ** 2)

    value, slope = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda p, g: p - 1e-2 * g, params, slope), value


checkpointed = partial(train_step, apply=jax.checkpoint(layer))


@dataclass(frozen=True)
class Compiler:
    """What compiles, and for what. device: of a topology, None for JAX's own."""

    platform: str
    device: Any = None

    def build(self, function: Any, arguments: Any) -> Any:
        if self.device is None:
            return jax.jit(function, donate_argnums=0).lower(*arguments).compile()
        return compile_for(self.device, function, arguments, 0)


def measured(variant: str, limit: int | None, how: Compiler, size: Size, asked: Any) -> Row:
    """One variant, compiled; and run where there is a GPU."""
    arguments = (parameters(size), tokens(size))
    plain = {"plain": train_step, "checkpoint": checkpointed}
    began = time.perf_counter()
    function: Any
    if variant in plain:
        function, row = plain[variant], Row(variant)
    else:
        function = made(variant, limit or 0, how, arguments, asked)
        ready = function.prepare(*arguments)
        spent = time.perf_counter() - began
        row = Row(variant, limit, ready.peak_bytes, ready.moved_bytes, planning=spent)
        row = replace(row, model=ready.timeline.latency)
    began = time.perf_counter()
    compiled = how.build(function, arguments)
    row = replace(
        row,
        device=compiled_bytes(compiled),
        host=compiled.memory_analysis().host_temp_size_in_bytes,
        compiling=time.perf_counter() - began,
    )
    if how.device is not None or jax.default_backend() != "gpu":
        return row
    return replace(row, **run(compiled, size))


def made(variant: str, limit: int, how: Compiler, arguments: Any, asked: Any) -> Offloaded:
    options = {
        "donate_argnums": 0,
        "platform": how.platform,
        "seconds": asked.seconds,
        "solver": asked.solver,
        "objective": asked.objective,
    }
    if variant != "fitted":
        return offload(train_step if variant == "offload" else checkpointed, limit, **options)
    build = partial(how.build, arguments=arguments)
    return fitted(train_step, limit, arguments, build=build, **options)


def tokens(size: Size) -> Any:
    make: Any = jax.ShapeDtypeStruct
    return make((size.batch, size.length, size.width), jnp.float32)


def run(compiled: Any, size: Size) -> dict[str, float]:
    """Peak of the GPU's allocator, seconds a step, the first loss."""
    dice = jax.random.key(0)
    params = jax.tree.map(
        lambda a: jax.random.normal(dice, a.shape) / a.shape[0] ** 0.5, parameters(size)
    )
    x = jax.random.normal(dice, tokens(size).shape)
    params, first = jax.block_until_ready(compiled(params, x))
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        params, loss = compiled(params, x)
        loss.block_until_ready()
        times.append(time.perf_counter() - began)
    stats = jax.devices()[0].memory_stats() or {}
    return {"peak": stats["peak_bytes_in_use"], "step": median(times), "loss": float(first)}


def rows(how: Compiler, size: Size, asked: Any) -> Iterator[Row]:
    """Plain first: the shares are of its memory."""
    alone = how.device is None and jax.default_backend() == "gpu"
    one = in_a_child if alone else measured
    for variant in ("plain", "checkpoint"):
        yield one(variant, None, how, size, asked)
    arguments = (parameters(size), tokens(size))
    low = least(how, arguments, asked)
    high = offload(train_step, "1000TiB", donate_argnums=0, platform=how.platform)
    room = high.prepare(*arguments).peak_bytes - low
    variants = ("offload", "both") if how.platform == "cpu" else ("offload", "both", "fitted")
    for share in asked.shares:
        for variant in variants:
            limit = round(low + share * room)
            try:
                yield one(variant, limit, how, size, asked)
            except InputError as error:
                yield Row(variant, limit, why=error.fact)


def least(how: Compiler, arguments: Any, asked: Any) -> int:
    """The smallest limit that works, as the error names it."""
    try:
        made("offload", 0, how, arguments, asked).prepare(*arguments)
    except InputError as error:
        return int(error.hint.split("`device_bytes=")[1].split("`")[0])
    return 0


def in_a_child(variant: str, limit: int | None, how: Compiler, size: Size, asked: Any) -> Row:
    """A process of its own: the allocator's peak is the process's."""
    own = [*sys.argv[1:], "--one", variant, "--limit", str(limit or 0)]
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.offload", *own],
        env={**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        return Row(variant, limit, why=f"ended with {child.returncode}")
    return Row(**json.loads(child.stdout.splitlines()[-1]))


def cells(row: Row) -> tuple[str, ...]:
    """As the table shows them."""
    sizes = (row.limit, row.plan, row.copied, row.device, row.host)
    times = (row.planning, row.compiling)
    return (
        row.variant,
        *("-" if size is None else f"{size / MIB:,.0f}" for size in sizes),
        *("-" if spent is None else f"{spent:.1f}" for spent in times),
        "-" if row.model is None else f"{row.model * 1e3:.1f}",
        "-" if row.peak is None else f"{row.peak / MIB:,.0f}",
        "-" if row.step is None else f"{row.step:.3f}",
        "-" if row.loss is None else f"{row.loss:.6g}",
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--absent", metavar="GPU", help="h100, or a file that describes one")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--shares", type=_shares, default=(1.0, 0.4, 0.1, 0.0))
    parser.add_argument("--solver", default="greedy")
    parser.add_argument("--objective", default="traffic")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    size = Size(asked.layers, asked.width, asked.batch, asked.length)
    if asked.absent is not None:
        how = Compiler("cuda", absent_gpu(None if asked.absent == "h100" else Path(asked.absent)))
    else:
        how = Compiler({"gpu": "cuda"}.get(jax.default_backend(), jax.default_backend()))
    if asked.one is not None:
        print(json.dumps(asdict(measured(asked.one, asked.limit or None, how, size, asked))))
        return
    kind = how.device.device_kind if how.device is not None else jax.devices()[0].device_kind
    print(f"{size} for {kind} ({'compiled only' if how.device is not None else 'here'})")
    print(" | ".join(HEAD))
    for row in rows(how, size, asked):
        print(" | ".join(cells(row)) + (f"  {row.why}" if row.why else ""), flush=True)


def _shares(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


if __name__ == "__main__":
    main()
