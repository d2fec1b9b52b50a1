"""The machine of an offloaded function: the device's memory is the scratchpad, the host is beyond.

Every kernel reads and writes device memory only, so the operand rule is `resident`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cosmalloc.target import Target
from cosmalloc.target_file import load_target

# NVIDIA's data sheet of the H100 (SXM): 3.35 TB/s of HBM, 989 TFLOPS bf16 (dense), PCIe Gen5 with
# 128 GB/s, half of it each way. The scratchpad is what `offload` is given.
HOST_LINK = Target(
    name="host-link",
    scratchpad_bytes=0,
    alignment=256,  # XLA aligns buffers of a GPU to 256 bytes or less
    operand_rule="resident",
    offchip_read_bytes_per_second=64e9,
    offchip_write_bytes_per_second=64e9,
    onchip_read_bytes_per_second=3.35e12,
    onchip_write_bytes_per_second=3.35e12,
    flops_per_second=989e12,
    copy_engines=2,
)


def device(machine: str | Path | Target | None, room: int) -> Target:
    """`machine` with `room` bytes for tensors that may leave it. InputError."""
    if machine is None:
        base = HOST_LINK
    else:
        base = machine if isinstance(machine, Target) else load_target(machine)
    return replace(base, scratchpad_bytes=room, operand_rule="resident")
