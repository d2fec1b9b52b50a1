"""A machine: what a planner must know of it. Files of the shipped ones lie in `targets/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cosmalloc.errors import InputError

OperandRule = Literal["resident", "anywhere"]
OPERAND_RULES: tuple[OperandRule, ...] = get_args(OperandRule)
MAX_SCRATCHPAD = 2**50
MIN_SPEED, MAX_SPEED = 1e-9, 1e30  # per second: seconds and their sums stay finite
SPEEDS = f"{MIN_SPEED:g} to {MAX_SPEED:g}"


@dataclass(frozen=True, slots=True)
class Target:
    """scratchpad_bytes: size of the fast memory. alignment: offsets are multiples of it.

    operand_rule: `resident` (every tracked operand is on chip while its operator runs) or
        `anywhere` (an operator may read or write off-chip at off-chip speed).
    Bandwidths in bytes per second.
    flops_per_second: peak arithmetic rate of the analytical model, None where every operator brings
        its own seconds.
    copy_engines: 2 = one queue for loads, one for stores; 1 = one queue for both; 0 = every copy
        blocks.
    """

    name: str
    scratchpad_bytes: int
    alignment: int
    operand_rule: OperandRule
    offchip_read_bytes_per_second: float
    offchip_write_bytes_per_second: float
    onchip_read_bytes_per_second: float
    onchip_write_bytes_per_second: float
    flops_per_second: float | None = None
    copy_engines: int = 2

    def __post_init__(self) -> None:
        place = f"target `{self.name}`"
        size = self.scratchpad_bytes
        if not isinstance(size, int) or not 0 <= size <= MAX_SCRATCHPAD:
            raise InputError(f"{place} has a scratchpad of {self.scratchpad_bytes} bytes")
        if not 1 <= self.alignment <= 2**30:
            raise InputError(f"{place} has alignment {self.alignment}, not 1 to 2**30")
        if self.operand_rule not in OPERAND_RULES:
            raise InputError(
                f"{place} has operand rule `{self.operand_rule}`", "use `resident` or `anywhere`"
            )
        for word in ("offchip_read", "offchip_write", "onchip_read", "onchip_write"):
            speed = getattr(self, f"{word}_bytes_per_second")
            if not MIN_SPEED <= speed <= MAX_SPEED:
                raise InputError(f"{place} has {word}_bytes_per_second {speed}, not {SPEEDS}")
        rate = self.flops_per_second
        if rate is not None and not MIN_SPEED <= rate <= MAX_SPEED:
            raise InputError(f"{place} has flops_per_second {rate}, not {SPEEDS}")
        if self.copy_engines not in (0, 1, 2):
            raise InputError(f"{place} has {self.copy_engines} copy engines", "use 0, 1 or 2")
