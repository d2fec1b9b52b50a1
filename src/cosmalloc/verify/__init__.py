"""The judge: every fault of a plan. It shares no code with any solver.

Which law answers for what. One broken thing gives faults of one law wherever that can be arranged:

    1  an order of the wrong length, an operator unknown, run twice or never, run before its
       producer
    2  two residencies of one tensor at one step; two residencies at one step in the same bytes
    3  a residency misaligned, beyond the scratchpad, beyond the last step, of a tensor that is
       unknown or not tracked
    4  a residency that starts neither by production nor by a load, by two loads, or ends within its
       load's window; a load that starts no residency, ends beyond the last border, is of a tensor
       unknown or not tracked; under `resident` an operand used before its load is complete
    5  a store of a tensor that is not on chip during the whole window, ends beyond the last border,
       is of a tensor unknown or not tracked; a load from an off-chip copy that is not valid
    6  under `resident` an operand or result in no residency; under `anywhere` an operand that is
       neither on chip nor validly off-chip, or an operand updated in place and its result in
       two places
    7  a program output that never ends off-chip

What one law has named, the others take as mended: a residency without a cause counts as on chip and
a load that starts no residency as none (law 4 has them), a store from nowhere leaves a valid copy
and a load from an invalid copy brings its tensor (law 5), overlapping residencies of one tensor
count as one (law 2), a residency of an unknown or untracked tensor as none (law 3), and a result
whose residency starts late without a load is law 4 alone. Where law 1 is broken the plan doesn't
say when an operator runs: laws 4 to 7 are not asked of the tensors that it reads or writes, or of
any, if the order is no permutation.

Law 2 lists at most 10,000 overlaps and says so if there are more; all other faults are listed
without limit, a constant number for each operand, residency and transfer. The work is that of
sorting, whatever the plan.
"""

from __future__ import annotations

from cosmalloc.fault import Fault
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.verify.ends import law_7
from cosmalloc.verify.off_chip import law_5
from cosmalloc.verify.operands import law_6
from cosmalloc.verify.order import law_1
from cosmalloc.verify.overlap import law_2
from cosmalloc.verify.place import law_3
from cosmalloc.verify.sheet import Sheet
from cosmalloc.verify.starts import law_4

__all__ = ["Fault", "verify"]


def verify(problem: Problem, plan: Plan) -> list[Fault]:
    """Every fault of `plan`, by law; empty if it is legal."""
    sheet = Sheet.of(problem, plan)
    laws = (law_1, law_2, law_3, law_4, law_5, law_6, law_7)
    return sorted((f for law in laws for f in law(sheet)), key=lambda fault: fault.law)
