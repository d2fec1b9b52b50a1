"""The harder baseline: replacement by bytes alone, then every offset at once.

Where the offsets don't work out, the packing drops more links (see `cosmalloc.ilp.packing`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosmalloc.baselines.replacement import Rule, victims
from cosmalloc.baselines.state import State
from cosmalloc.greedy.uses import uses_of
from cosmalloc.ilp.packing import plan_of_links
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem


def offline(
    problem: Problem, order: Sequence[int], rule: Rule, seconds: float = 2.0
) -> Plan | None:
    """The plan, None if a step does not fit by itself."""
    state = State(problem, order)
    uses = uses_of(problem, lifetimes(problem, order))
    kept = ~uses.last
    align = problem.target.alignment
    room = problem.target.scratchpad_bytes // align * align
    rounded = [-(-size // align) * align for size in state.bytes]
    for step in range(len(state.order)):
        wanted = state.wanted(step)
        need = sum(rounded[t] for t in {*wanted, *state.offset}) - room
        for tensor in victims(rule, state.held(step, wanted), need):
            state.leave(tensor, step)
            rows = uses.rows_of(tensor)
            behind = int(np.searchsorted(uses.step[rows], step))
            kept[rows.start + behind - 1] = False
        for tensor in wanted:
            if tensor not in state.offset:
                state.enter(tensor, step, 0)
        state.bury(step + 1)
    return plan_of_links(uses, kept, seconds, 0)
