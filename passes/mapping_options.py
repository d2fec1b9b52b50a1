"""The options that mapping passes share, flat, as a pipeline's text gives them."""

from __future__ import annotations

from dataclasses import dataclass

from cosmalloc.passes.reading import WEIGHTS, Reading, Tracking
from cosmalloc.target import OperandRule, Target
from cosmalloc.target_file import custom, load_target


@dataclass(frozen=True)
class MappingOptions:
    """target: a shipped machine or a TOML file; scratchpad, alignment, operand_rule change it.

    The rest as in `Reading`. scratchpad: bytes, or text like `2MiB`.
    """

    target: str = "npu-2mib"
    scratchpad: str | None = None
    alignment: int | None = None
    operand_rule: OperandRule | None = None
    track: Tracking | None = None
    bytes_per_element: int | None = None
    weights: str = WEIGHTS
    trip_count: int | None = None

    def machine(self) -> Target:
        """The target. Raises InputError."""
        base = load_target(self.target)
        given = (self.scratchpad, self.alignment, self.operand_rule)
        if all(value is None for value in given):
            return base
        return custom(
            base,
            scratchpad=self.scratchpad,
            alignment=self.alignment,
            operand_rule=self.operand_rule,
        )

    def reading(self) -> Reading:
        """How the module is read. Raises InputError."""
        return Reading(self.track, self.bytes_per_element, self.weights, self.trip_count)
