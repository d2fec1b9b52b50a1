"""How often a `while` of HLO runs.

XLA notes it (`known_trip_count`) where it knows. Else the loop is read: its condition compares slot
i of the carried tuple with a constant (`<`), slot i starts at a constant and the body adds one.
"""

from __future__ import annotations

import re

from cosmalloc.passes.xla_text import Computation, Instruction, Module

UNKNOWN = 5  # trips that XLA's memory space assignment counts where it knows nothing
_KNOWN = re.compile(r'"known_trip_count":\{"n":"(\d{1,15})"')


def called(module: Module, instruction: Instruction, key: str) -> Computation | None:
    """The computation that an attribute names."""
    return module.computations.get(instruction.attributes.get(key, "").lstrip("%"))


def trip_count(module: Module, around: Computation, loop: Instruction) -> int:
    """Of `loop`, an instruction of `around`; UNKNOWN where neither way tells."""
    known = _KNOWN.search(loop.attributes.get("backend_config", ""))
    if known:
        return int(known[1])
    condition, body = called(module, loop, "condition"), called(module, loop, "body")
    if condition is None or body is None:
        return UNKNOWN
    slot, stop = _limit(condition)
    if len(loop.operands) != 1:
        return UNKNOWN
    start = _constant(around, _entry_of(around, loop.operands[0], slot))
    grown = _constant(body, _summand(body, _entry_of(body, body.root.name, slot), slot))
    if stop is None or start is None or grown is None or grown <= 0 or stop <= start:
        return UNKNOWN
    return -(-(stop - start) // grown)


def _limit(condition: Computation) -> tuple[int, int | None]:
    """(slot, constant) of `slot < constant`."""
    root = condition.root
    if root.opcode != "compare" or root.attributes.get("direction") != "LT":
        return -1, None
    if len(root.operands) != 2:
        return -1, None
    left = _source(condition, root.operands[0])
    if left is None or left.opcode != "get-tuple-element":
        return -1, None
    slot = left.attributes.get("index", "")
    return int(slot) if slot.isdecimal() else -1, _constant(condition, root.operands[1])


def _entry_of(around: Computation, name: str, slot: int) -> str:
    """The operand in place `slot` of a tuple."""
    made = around.by_name.get(name)
    if made is None or made.opcode != "tuple" or not 0 <= slot < len(made.operands):
        return ""
    return made.operands[slot]


def _summand(body: Computation, name: str, slot: int) -> str:
    """What the body adds to its slot."""
    made = _source(body, name)
    if made is None or made.opcode != "add" or len(made.operands) != 2:
        return ""
    left, right = made.operands
    for one, other in ((left, right), (right, left)):
        counter = _source(body, one)
        if (
            counter is not None
            and counter.opcode == "get-tuple-element"
            and counter.attributes.get("index") == str(slot)
        ):
            return other
    return ""


def _constant(around: Computation, name: str) -> int | None:
    made = _source(around, name)
    if made is None or made.opcode != "constant" or not re.fullmatch(r"-?\d{1,15}", made.literal):
        return None
    return int(made.literal)


def _source(around: Computation, name: str) -> Instruction | None:
    """The instruction, looked at through copies and bitcasts."""
    made = around.by_name.get(name)
    while made is not None and made.opcode in ("copy", "bitcast", "convert") and made.operands:
        made = around.by_name.get(made.operands[0])
    return made
