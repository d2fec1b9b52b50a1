"""The TPU generations that libtpu compiles for, as its memory space assignment sees them.

Speeds and sizes are what the compiler logs for a topology; see docs/tpu.md for how to read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cosmalloc.errors import InputError
from cosmalloc.target import Target

ALIGNMENT = 4096


@dataclass(frozen=True, slots=True)
class Topology:
    """name: as libtpu takes it, `v5e:2x2`. accelerator: libtpu's word for one host of it.

    space: number of the fast memory in layouts. fast_bytes: what the compiler may fill of it.
    fast_memory: `VMEM` or `CMEM`. clock: cycles per second.
    kept: bytes of the fast memory that the compiler keeps for itself, None where a compiler option
        sets the budget.
    off_chip, on_chip: bytes per second. flops: bfloat16, per second and core.
    """

    name: str
    accelerator: str
    space: int
    fast_memory: str
    fast_bytes: int
    clock: float
    off_chip: float
    on_chip: float
    flops: float
    kept: int | None

    def budget_options(self, budget: int | None) -> tuple[dict[str, str], str]:
        """(compiler options, flags for LIBTPU_INIT_ARGS) that limit the fast memory to `budget`.

        Whole KiB. InputError for a budget that the topology does not have.
        """
        if budget is None:
            return {}, ""
        self.target(budget)
        if self.kept is None:
            kib = str(budget // 1024)
            return {"xla_tpu_max_cmem_used_by_memory_space_assignment": kib}, ""
        return {}, f"--xla_tpu_override_vmem_size_kib={(budget + self.kept) // 1024}"

    def target(self, budget: int | None = None) -> Target:
        """The machine with `budget` bytes of fast memory, all of it if None. InputError."""
        size = self.fast_bytes if budget is None else budget
        if not 0 <= size <= self.fast_bytes:
            raise InputError(
                f"a budget of {size} bytes is not 0 to the {self.fast_bytes} of {self.name}"
            )
        return Target(
            name=self.name,
            scratchpad_bytes=size,
            alignment=ALIGNMENT,
            operand_rule="anywhere",
            offchip_read_bytes_per_second=self.off_chip,
            offchip_write_bytes_per_second=self.off_chip,
            onchip_read_bytes_per_second=self.on_chip,
            onchip_write_bytes_per_second=self.on_chip,
            flops_per_second=self.flops,
        )


MIB = 2**20

GENERATIONS: dict[str, Topology] = {
    "v4": Topology(
        "v4:2x2x1", "v4-8", 3, "CMEM", 67_108_864, 1.05e9, 491.237e9, 2_947.42e9, 137.5e12, None
    ),
    "v5e": Topology(
        "v5e:2x2",
        "v5litepod-4",
        1,
        "VMEM",
        117_440_512,
        1.5e9,
        737.6606e9,
        16_597.37e9,
        197e12,
        16 * MIB,
    ),
    "v5p": Topology(
        "v5p:2x2x1",
        "v5p-8",
        1,
        "VMEM",
        50_266_112,
        1.75e9,
        2_350.42e9,
        18_098.24e9,
        229.5e12,
        16 * MIB + 65_536,
    ),
    "v6e": Topology(
        "v6e:2x2",
        "v6e-4",
        1,
        "VMEM",
        100_597_760,
        1.75e9,
        1_638e9,
        21_294e9,
        918e12,
        32 * MIB + 65_536,
    ),
}


def topology(name: str) -> Topology:
    """`v5e`, or with the smallest shape that libtpu knows, `v5e:2x2`. InputError."""
    match = re.fullmatch(r"(\w+)(?::(\w+))?", name)
    found = GENERATIONS.get(match[1]) if match else None
    if found is None or name not in (found.name, found.name.split(":")[0]):
        names = ", ".join(each.name for each in GENERATIONS.values())
        raise InputError(f"there is no topology `{name}`", f"use {names}")
    return found
