"""A target's keys, the same in problem.json and in target files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from cosmalloc.fields import built, choice, in_range, integer, number, text
from cosmalloc.target import MAX_SCRATCHPAD, OPERAND_RULES, OperandRule, Target


def target_to_json(target: Target) -> dict[str, Any]:
    """Plain values; a speed is a float, whatever it was given as, so that digests agree."""
    speeds = {
        key: None if value is None else float(value)
        for key, value in asdict(target).items()
        if key.endswith("_per_second")
    }
    return asdict(target) | speeds


def target_from_json(entry: Mapping[str, Any], place: str) -> Target:
    """A target out of its keys in JSON or TOML. place: of the object, for errors."""
    rate = entry.get("flops_per_second")
    return built(
        place,
        Target,
        name=text(entry, "name", place),
        scratchpad_bytes=integer(entry, "scratchpad_bytes", place, 0, MAX_SCRATCHPAD),
        alignment=integer(entry, "alignment", place, 1, 2**30),
        operand_rule=cast(OperandRule, choice(entry, "operand_rule", place, OPERAND_RULES)),
        offchip_read_bytes_per_second=number(entry, "offchip_read_bytes_per_second", place),
        offchip_write_bytes_per_second=number(entry, "offchip_write_bytes_per_second", place),
        onchip_read_bytes_per_second=number(entry, "onchip_read_bytes_per_second", place),
        onchip_write_bytes_per_second=number(entry, "onchip_write_bytes_per_second", place),
        flops_per_second=None if rate is None else number(entry, "flops_per_second", place),
        copy_engines=in_range(entry.get("copy_engines", 2), f"{place}.copy_engines", 0, 2),
    )
