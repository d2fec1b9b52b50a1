"""A program of kernels run from its first to its last operator, by the clock.

    python -m benchmarks.fusion_sequence CORE < PROGRAM.mlir

prints {"seconds": the quickest run} of a module that `group-operators` made. Each kernel is an
XLA:CPU executable; a result stays where XLA put it until its last reader has run, as far as Python
lets go of it. So operands are as cold as the program leaves them, and handing them from kernel to
kernel is part of the time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cosmalloc.cost_model.measuring import Timer
from cosmalloc.cost_model.timing_child import ENVIRONMENT

LIMIT_SECONDS = 900
_ROUNDS, _SECONDS = 4, 1.0  # runs at least; no new one begins after so long


def sequence(text: str, core: int) -> dict[str, Any]:
    """{"seconds"} of a program, or {"error"}; in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.fusion_sequence", str(core)]
    environment = os.environ | ENVIRONMENT | {"JAX_PLATFORMS": "cpu"}
    try:
        done = subprocess.run(
            words,
            input=text,
            capture_output=True,
            text=True,
            env=environment,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"over {LIMIT_SECONDS} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it crashed"])[-1][:200]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


class SequenceTimer(Timer):
    """A timer of programs."""

    def time(self, text: str) -> dict[str, Any]:
        """As of `sequence`."""
        return sequence(text, self.core)


@dataclass(frozen=True)
class _Step:
    """One call: values by number. dead: those that nobody reads later."""

    executable: Any
    takes: tuple[int, ...]
    makes: tuple[int, ...]
    dead: tuple[int, ...]


def run(text: str) -> float:
    """Seconds of the quickest run."""
    import jax

    from cosmalloc.cost_model.clock import _operand
    from cosmalloc.passes import context

    jax.config.update("jax_cpu_enable_async_dispatch", False)  # type: ignore[no-untyped-call]
    module = context.parse(text, "the program")
    device = jax.devices("cpu")[0]
    with module.context:
        main = context.entry(module.operation).regions[0].blocks[0]
        with jax.enable_x64(True):
            given = [jax.device_put(_operand(value.type), device) for value in main.arguments]
        values, steps = _steps(module, given)
    runs: list[float] = []
    while len(runs) < _ROUNDS or sum(runs) < _SECONDS:
        runs.append(_once(list(values), steps))
    return min(runs)


def _once(values: list[Any], steps: Sequence[_Step]) -> float:
    began = time.perf_counter()
    for step in steps:
        found = step.executable.execute_sharded([values[slot] for slot in step.takes])
        shards = found.disassemble_into_single_device_arrays()
        for slot, shard in zip(step.makes, shards, strict=True):
            values[slot] = shard[0]
        for slot in step.dead:
            values[slot] = None
    return time.perf_counter() - began


def _steps(module: Any, given: list[Any]) -> tuple[list[Any], list[_Step]]:
    """The values before the first step, and the steps. Constants are values; views at the end
    are not run."""
    from jaxlib.mlir import ir

    from cosmalloc.cost_model.kernel import kernel_text
    from cosmalloc.passes import context
    from cosmalloc.passes.inline import callee, kernels
    from cosmalloc.passes.kernels import compile_module, wrap

    functions = kernels(module.operation)
    compiled: dict[str, Any] = {}
    block = context.entry(module.operation).regions[0].blocks[0]
    number = {value: slot for slot, value in enumerate(block.arguments)}
    values = list(given)
    calls: list[tuple[Any, tuple[int, ...], tuple[int, ...]]] = []
    for view in block.operations:
        operation = view.operation
        if operation.name == "stablehlo.constant":
            with ir.Location.unknown():
                alone = ir.Module.create()
                wrap(operation, alone)
                found = compile_module(context.to_bytecode(alone)).execute_sharded([])
            number[operation.results[0]] = len(values)
            values.append(found.disassemble_into_single_device_arrays()[0][0])
        elif operation.name == "func.call":
            name = callee(operation)
            if name not in compiled:
                kernel = context.parse(kernel_text(functions[name]), name)
                compiled[name] = compile_module.__wrapped__(context.to_bytecode(kernel))
            made = tuple(range(len(values), len(values) + len(operation.results)))
            number.update(zip(operation.results, made, strict=True))
            values.extend([None] * len(made))
            calls.append((compiled[name], tuple(number[v] for v in operation.operands), made))
    kept = set(range(len(values))) - {slot for _, _, made in calls for slot in made}
    last = {slot: index for index, (_, takes, _) in enumerate(calls) for slot in takes}
    dead: list[list[int]] = [[] for _ in calls]
    for slot, index in last.items():
        if slot not in kept:
            dead[index].append(slot)
    return values, [_Step(*call, tuple(gone)) for call, gone in zip(calls, dead, strict=True)]


if __name__ == "__main__":
    if int(sys.argv[1]) >= 0:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    print(json.dumps({"seconds": run(sys.stdin.read())}))
