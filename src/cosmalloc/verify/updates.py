"""Law 6's last part: an operand updated in place and its result lie in one memory.

Operator o updates operand a in result r if both are of one alias group, o writes fewer bytes of r
than r has, no later step reads a and a is no output. Under `anywhere` r is then on chip from o's
step on at the offset of a, on chip and complete in that step, or neither of them is.
"""

from __future__ import annotations

from collections.abc import Iterator

from cosmalloc.fault import Fault
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.words import operator_words, tensor_words


def agreement(sheet: Sheet, operator: int, at: int) -> Iterator[Fault]:
    """One fault for each result of the operator that lies apart from what it updates."""
    node = sheet.problem.operators[operator]
    for result, written in zip(node.outputs, node.output_bytes_accessed, strict=True):
        if not sheet.asked[result] or written >= sheet.problem.tensors[result].bytes:
            continue
        operands = [t for t in node.inputs if _lends(sheet, t, result, at)]
        if operands and not any(_agree(sheet, operand, result, at) for operand in operands):
            first = operands[0]
            text = (
                f"{operator_words(sheet.problem, operator)} updates"
                f" {tensor_words(sheet.problem, first)} ({_place(sheet, first, at)}) in place at"
                f" step {at}, its result {tensor_words(sheet.problem, result)} is made"
                f" {_place(sheet, result, at)}"
            )
            yield Fault(6, text, at, result, operator)


def _lends(sheet: Sheet, operand: int, result: int, at: int) -> bool:
    """Whether the operand's bytes may become the result's: nobody wants them afterwards."""
    one, two = sheet.problem.tensors[operand], sheet.problem.tensors[result]
    if one.alias_group is None or one.alias_group != two.alias_group or one.kind == "output":
        return False
    reads = (sheet.step[reader] for reader in sheet.problem.readers[operand])
    return all(step is not None and step <= at for step in reads)


def _agree(sheet: Sheet, operand: int, result: int, at: int) -> bool:
    if sheet.problem.tensors[operand].tracked and not sheet.asked[operand]:
        return True  # law 1 has it
    made, lent = _offsets(sheet, result, at), _offsets(sheet, operand, at)
    if not made and any(s.start > at and s.cause == "nothing" for s in sheet.stays.get(result, ())):
        return True  # law 4 has it
    if any(s.start <= at < s.stop <= s.ready for s in sheet.stays.get(operand, ())):
        return True  # law 4 has it: a load that never ends
    return bool(made & lent) or not (made or lent)


def _offsets(sheet: Sheet, tensor: int, at: int) -> set[int]:
    """Where the tensor lies whole in step `at`; empty if it is not on chip."""
    return {
        sheet.plan.residencies[stay.number].offset
        for stay in sheet.stays.get(tensor, ())
        if stay.start <= at < stay.stop and stay.ready <= at
    }


def _place(sheet: Sheet, tensor: int, at: int) -> str:
    offsets = sorted(_offsets(sheet, tensor, at))
    return f"on chip at {offsets[0]}" if offsets else "off-chip"
