"""How long a kernel takes on this machine.

A kernel is compiled by XLA as a program of its own, called until it is warm, and then called in
rounds of at least `round_seconds`, until the two quickest rounds agree within 1 % or there were
`rounds` of them. A round's figure is its quickest call:

    seconds = least of the rounds          spread = second least / least - 1

A machine that others share has slow spells: all kernels take, say, 1.4 times as long for some
seconds. So a reference kernel is timed before and after, and *pace* says how much slower it was
than the quickest it ever was in this process; who asks for the seconds times again what was timed
at a bad pace.

On a CPU a call runs to its end within itself (no asynchronous dispatch); on an accelerator a round
is a train of calls that is waited for as a whole, divided by their number.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jaxlib import xla_client
from jaxlib.mlir import ir

from cosmalloc.cost_model.object_code import code_bytes
from cosmalloc.passes import context
from cosmalloc.passes.numpy_types import numpy_type, shape_of

REFERENCE = """func.func public @main(%a: tensor<32x32xf32>) -> tensor<32x32xf32> {
  %0 = stablehlo.dot_general %a, %a, contracting_dims = [1] x [0] :
    (tensor<32x32xf32>, tensor<32x32xf32>) -> tensor<32x32xf32>
  return %0 : tensor<32x32xf32>
}"""
_ROUNDS = 3  # at least
_AGREE = 0.01
_WARM = 2  # calls before the first round
_LEAST = 3  # calls of a round
_MOST = 400


@dataclass(frozen=True, slots=True)
class Measured:
    """seconds of one call, launch included; spread of the two quickest rounds; bytes of temporary
    buffers and of generated code as the compiled executable tells them, -1 if it can't."""

    seconds: float
    spread: float
    temporary_bytes: int
    code_bytes: int
    compile_seconds: float
    pace: float = 1.0


class Pace:
    """Times the reference kernel: a product of 32 x 32 matrices."""

    def __init__(self, device: Any) -> None:
        self._executable, self._given = compiled(REFERENCE, device)
        self._once = _train if device.platform != "cpu" else _quickest
        self._best = min(self._time() for _ in range(20))

    def now(self) -> float:
        """How much slower the machine is than at its best so far: 1 or more."""
        found = self._time()
        self._best = min(self._best, found)
        return found / self._best

    def _time(self) -> float:
        return self._once(self._executable, self._given, 2e-4)


def measure(
    text: str, device: Any, pace: Pace, rounds: int = 12, round_seconds: float = 0.005
) -> Measured:
    """Times one kernel, given as MLIR text, on a JAX device. Raises InputError, XlaRuntimeError."""
    began = time.perf_counter()
    executable, given = compiled(text, device)
    compile_seconds = time.perf_counter() - began
    before = pace.now()
    for _ in range(_WARM):
        _wait(executable.execute_sharded(given))
    once = _train if device.platform != "cpu" else _quickest
    found = sorted(once(executable, given, round_seconds) for _ in range(_ROUNDS))
    while len(found) < rounds and found[1] > found[0] * (1 + _AGREE):
        found = sorted([*found, once(executable, given, round_seconds)])
    memory = executable.get_compiled_memory_stats()
    return Measured(
        seconds=found[0],
        spread=found[1] / found[0] - 1,
        temporary_bytes=memory.temp_size_in_bytes,
        code_bytes=_code(executable),
        compile_seconds=compile_seconds,
        pace=min(before, pace.now()),
    )


def compiled(text: str, device: Any) -> tuple[Any, list[Any]]:
    """The executable of a kernel on a JAX device, and operands for it. Raises InputError."""
    module = context.parse(text, "the kernel")
    with module.context:
        main = context.entry(module.operation).regions[0].blocks[0]
        operands = [_operand(argument.type) for argument in main.arguments]
    executable = device.client.compile_and_load(
        context.to_bytecode(module), xla_client.DeviceList((device,)), xla_client.CompileOptions()
    )
    with jax.enable_x64(True):
        return executable, [jax.device_put(operand, device) for operand in operands]


def _code(executable: Any) -> int:
    """Bytes of generated code; -1 for the few executables that can't be written down."""
    try:
        return code_bytes(executable.serialize())
    except jax.errors.JaxRuntimeError:
        return -1


def _quickest(executable: Any, given: list[Any], seconds: float) -> float:
    """Seconds of the quickest call of a round."""
    clock = time.perf_counter_ns
    best, calls, began = 1 << 62, 0, clock()
    while calls < _LEAST or (calls < _MOST and clock() - began < seconds * 1e9):
        start = clock()
        executable.execute_sharded(given)
        best = min(best, clock() - start)
        calls += 1
    return best * 1e-9


def _train(executable: Any, given: list[Any], seconds: float) -> float:
    """Seconds of the mean call of a train of calls, the wait for the last one included."""
    began = time.perf_counter()
    _wait(executable.execute_sharded(given))
    calls = int(np.clip(seconds / (time.perf_counter() - began), _LEAST, _MOST))
    began = time.perf_counter()
    for _ in range(calls - 1):
        executable.execute_sharded(given)
    _wait(executable.execute_sharded(given))
    return (time.perf_counter() - began) / calls


def _wait(results: Any) -> None:
    for shards in results.disassemble_into_single_device_arrays():
        shards[0].block_until_ready()


def _operand(kind: ir.Type) -> npt.NDArray[Any]:
    """An operand with values that no arithmetic turns into denormals or overflow; integers are
    small, so that they index something."""
    generator = np.random.default_rng(0)
    shape, dtype = shape_of(kind), numpy_type(kind)
    if dtype.kind in "iub" or dtype.itemsize == 1 or str(dtype).startswith(("int", "uint")):
        return np.asarray(generator.integers(0, 2 if dtype == np.bool_ else 8, shape)).astype(dtype)
    return np.asarray(generator.uniform(0.1, 1.0, shape)).astype(dtype)
