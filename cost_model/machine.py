"""What labels depend on beside the kernel: machine, versions, the launch."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cosmalloc.cost_model.measuring import Labels
from cosmalloc.errors import InputError

EMPTY = """func.func public @main(%arg0: tensor<f32>) -> tensor<f32> {
  %0 = stablehlo.abs %arg0 : tensor<f32>
  return %0 : tensor<f32>
}
"""
_CPUS = Path("/proc/cpuinfo")


def about(timer: Labels, command: str, date: str) -> dict[str, Any]:
    """Of a dataset that `timer` measures. Raises InputError where its device does not work.

    launch_seconds: what a kernel with next to no work takes.
    """
    answer = timer.time(EMPTY)
    if "error" in answer:
        raise InputError(
            f"device `{timer.device}` can't be timed: {answer['error']}",
            "`python -c 'import jax; print(jax.devices())'` tells the devices that there are",
        )
    return {
        "machine": _machine(timer.device),
        "device": timer.device,
        "core": timer.core,
        "jax": version("jax"),
        "jaxlib": version("jaxlib"),
        "command": command,
        "date": date,
        "launch_seconds": answer["seconds"],
    }


def _machine(device: str) -> str:
    if device.startswith("tpu:"):
        return f"{device.removeprefix('tpu:')}, as XLA's compiler estimates it"
    return processor() if device == "cpu" else accelerator()


def processor(cpus: Path = _CPUS) -> str:
    """The processor's name, as far as the system tells it."""
    if cpus.exists():
        for line in cpus.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def accelerator() -> str:
    """The first NVIDIA GPU's name and driver; what it is called where nobody tells."""
    words = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return "an accelerator"
    return done.stdout.splitlines()[0].strip() if done.stdout else "an accelerator"
