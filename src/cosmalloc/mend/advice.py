"""What a fault means and what would mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from cosmalloc.fault import Fault
from cosmalloc.mend.edits import edits
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.verify import verify
from cosmalloc.verify.words import operator_words, tensor_words

TRIES = 24  # edits tried for one fault
LAWS = {
    1: "the order names every operator once, and behind the producers of what it reads",
    2: "no two tensors hold one byte in one step, and none is on chip twice",
    3: "a residency is aligned, inside the scratchpad, inside the steps, of a planned tensor",
    4: "a residency starts by the operator that makes the tensor, or by one load that is complete"
    " before the first use",
    5: "a load reads a copy that is valid off-chip; a store happens while the tensor is on chip",
    6: "what an operator touches is where the machine's operand rule wants it",
    7: "every output of the program ends off-chip",
}
ELSE = {
    1: "list the operators in an order in which producers come first; the other laws are asked of"
    " the new order",
    2: "let one of the two leave earlier, or come back later, so that both don't share a step",
    3: "plan for a larger scratchpad (`--scratchpad`), or for other offsets",
    4: "start the residency where the tensor is made, or by a load of a valid copy",
    5: "store the tensor before it leaves the chip for the first time, and load it later than that",
    6: "bring the tensor on chip before the step; where it does not fit, another must leave first",
    7: "store the output while it is on chip, at the latest when its last residency ends",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One fault explained. law: its number. rule: the law in words. what: the judge's message.
    where: step, operator, tensor. mend: what to do; tried: it was done and judged, and mends."""

    law: int
    rule: str
    what: str
    where: str
    mend: str
    tried: bool


def advise(problem: Problem, plan: Plan, faults: Sequence[Fault], fault: Fault) -> Advice:
    """Advice for one of the `faults` that `verify` finds in the plan."""
    mended = _mended(problem, plan, faults, fault)
    return Advice(
        fault.law,
        LAWS[fault.law],
        fault.message,
        _where(problem, plan, fault),
        ELSE[fault.law] if mended is None else mended,
        mended is not None,
    )


def _mended(problem: Problem, plan: Plan, faults: Sequence[Fault], fault: Fault) -> str | None:
    before = Counter(map(_kind, faults))
    for edit in islice(edits(problem, plan, fault), TRIES):
        after = Counter(map(_kind, verify(problem, edit.plan)))
        if after <= before and after[_kind(fault)] < before[_kind(fault)]:
            return edit.words
    return None


def _kind(fault: Fault) -> tuple[int, int | None, int | None, int | None]:
    """A fault without the numbers of residencies and copies, which an edit changes."""
    return fault.law, fault.step, fault.tensor, fault.operator


def _where(problem: Problem, plan: Plan, fault: Fault) -> str:
    words = []
    steps = len(plan.order)
    if fault.step is not None:
        runs = plan.order[fault.step] if fault.step < steps else None
        known = runs is not None and 0 <= runs < len(problem.operators)
        name = (
            f" (`{problem.operators[runs].name}` runs there)" if known and runs is not None else ""
        )
        words.append(f"step {fault.step}{name}" if fault.step < steps else "after the last step")
    if fault.operator is not None and 0 <= fault.operator < len(problem.operators):
        words.append(operator_words(problem, fault.operator))
        source = problem.operators[fault.operator].location
        words += [f"from {source}"] if source else []
    if fault.tensor is not None and fault.tensor < len(problem.tensors):
        words.append(tensor_words(problem, fault.tensor))
    return ", ".join(words) or "the plan as a whole"
