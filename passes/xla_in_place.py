"""Which results of an HLO instruction take the storage of an operand.

XLA requires it of `dynamic-update-slice` and `scatter`, of fusions that end in one whose target is
an operand of the fusion, and where `output_to_operand_aliasing` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cosmalloc.passes.xla_loops import called
from cosmalloc.passes.xla_shape import Index
from cosmalloc.passes.xla_text import Computation, Instruction, Module

_PAIR = re.compile(r"\{([\d, ]*)\}:\s*\((\d+),\s*\{([\d, ]*)\}")
UPDATES = ("dynamic-update-slice", "scatter")


def in_place(module: Module, instruction: Instruction) -> Iterator[tuple[Index, int, Index]]:
    """(index in the result, operand number, index in it) of every such pair."""
    said = instruction.attributes.get("output_to_operand_aliasing")
    if said is not None:
        for match in _PAIR.finditer(said):
            yield _index(match[1]), int(match[2]), _index(match[3])
    elif instruction.opcode in UPDATES:
        yield (), 0, ()
    elif instruction.opcode == "fusion":
        fused = called(module, instruction, "calls")
        if fused is not None:
            yield from _fused(fused)


def _fused(fused: Computation) -> Iterator[tuple[Index, int, Index]]:
    root = fused.root
    tops = [root.name] if root.opcode != "tuple" else list(root.operands)
    for number, name in enumerate(tops):
        update = _behind(fused, name)
        if update is None or update.opcode not in UPDATES:
            continue
        target = _behind(fused, update.operands[0])
        if target is not None and target.opcode == "parameter":
            yield (() if root.opcode != "tuple" else (number,)), int(target.literal), ()


def _behind(fused: Computation, name: str) -> Instruction | None:
    """The instruction, looked at through bitcasts."""
    made = fused.by_name.get(name)
    while made is not None and made.opcode == "bitcast":
        made = fused.by_name.get(made.operands[0])
    return made


def _index(text: str) -> Index:
    return tuple(int(word) for word in text.split(",") if word.strip())
