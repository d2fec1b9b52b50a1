"""Law 6: what an operator touches is where the target's operand rule wants it.

Here law 4's last part is asked too: an operand used before its load is complete.
What an update in place wants is in `updates`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cosmalloc.fault import Fault
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.updates import agreement
from cosmalloc.verify.words import operator_words, tensor_words


def law_6(sheet: Sheet) -> Iterator[Fault]:
    """Faults of operands and results, operator by operator."""
    resident = sheet.problem.target.operand_rule == "resident"
    check = _resident if resident else _anywhere
    for operator, at in enumerate(sheet.step):
        if at is not None:
            yield from check(sheet, operator, at)


def _resident(sheet: Sheet, operator: int, at: int) -> Iterator[Fault]:
    node = sheet.problem.operators[operator]
    for verb, ends in (("reads", node.inputs), ("writes", node.outputs)):
        for tensor in ends:
            stay = sheet.stay_at(tensor, at)
            if not sheet.asked[tensor] or (stay is not None and stay.ready <= at):
                continue
            if stay is not None:
                law, trouble = 4, f"its load is complete at border {stay.ready}"
            elif verb == "reads" or not _starts_late(sheet, tensor, at):
                law, trouble = 6, "it is not on chip"
            else:
                continue  # law 4 has it
            what = f"{verb} {tensor_words(sheet.problem, tensor)} at step {at}, {trouble}"
            text = f"{operator_words(sheet.problem, operator)} {what}"
            yield Fault(law, text, at, tensor, operator)


def _starts_late(sheet: Sheet, tensor: int, at: int) -> bool:
    """Whether a later residency of the result has no cause: then law 4 has named the trouble."""
    stays = sheet.stays.get(tensor, ())
    return any(stay.start > at and stay.cause == "nothing" for stay in stays)


def _anywhere(sheet: Sheet, operator: int, at: int) -> Iterator[Fault]:
    for tensor in sheet.problem.operators[operator].inputs:
        if not sheet.asked[tensor] or sheet.stay_at(tensor, at) is not None:
            continue  # within a load's window the load's copy is read: law 5 has asked for it
        valid = sheet.valid_from[tensor]
        if valid is None or valid > at:
            since = "never valid" if valid is None else f"valid from border {valid} on"
            text = (
                f"{operator_words(sheet.problem, operator)} reads"
                f" {tensor_words(sheet.problem, tensor)} at step {at}, it is not on chip and its"
                f" off-chip copy is {since}"
            )
            yield Fault(6, text, at, tensor, operator)
    yield from agreement(sheet, operator, at)
