"""What a report shows of one plan: everything computed, nothing drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cosmalloc.errors import InputError, NoPlanError
from cosmalloc.lifetimes import Lifetimes, Steps, alive_bytes, lifetimes
from cosmalloc.plan import Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.report.causes import Causes, causes_by_tensor, total
from cosmalloc.report.stays import Stay, occupied, stays_of
from cosmalloc.report.waits import Wait, waits
from cosmalloc.simulate import Timeline, simulate
from cosmalloc.traffic import Traffic, peak, traffic
from cosmalloc.verify import verify
from cosmalloc.working_set import working_set_bytes

PEAK_STEPS = 12  # listed


@dataclass(frozen=True)
class View:
    """One plan with all that can be said of it.

    timeline: None where the problem does not say what operators take; `no_timeline` says why.
    faults: what the judge says, by law; empty for a legal plan.
    """

    problem: Problem
    outcome: Outcome
    plan: Plan
    timeline: Timeline | None
    no_timeline: str
    faults: tuple[str, ...]

    @cached_property
    def stays(self) -> tuple[Stay, ...]:
        """Per residency of the plan its story."""
        return stays_of(self.problem, self.plan)

    @cached_property
    def life(self) -> Lifetimes:
        """The uses of every tensor in the plan's order."""
        return lifetimes(self.problem, self.plan.order)

    @cached_property
    def held(self) -> Steps:
        """int64[steps]: bytes on chip."""
        return occupied(self.stays, len(self.plan.order))

    @cached_property
    def alive(self) -> Steps:
        """int64[steps]: bytes that would be on chip if nothing ever left it before its last use."""
        return alive_bytes(self.problem, self.life)

    @cached_property
    def needed(self) -> Steps | None:
        """int64[steps]: no plan holds less in this order; None under `anywhere`, which can."""
        target = self.problem.target
        if target.operand_rule == "anywhere":
            return None
        close = replace(self.problem, target=replace(target, alignment=1))  # padding holds nothing
        return np.array([working_set_bytes(close, o) for o in self.plan.order], np.int64)

    @cached_property
    def peak(self) -> int:
        """Bytes of scratchpad reached."""
        return peak(self.problem, self.plan)

    @cached_property
    def moved(self) -> Traffic:
        """The accounts."""
        return traffic(self.problem, self.plan)

    @cached_property
    def causes(self) -> Causes:
        """Off-chip bytes by cause."""
        return total(self.moved)

    @cached_property
    def causes_by_tensor(self) -> list[tuple[int, Causes]]:
        """The same by tensor, the worst first."""
        return causes_by_tensor(self.moved)

    @cached_property
    def waits(self) -> tuple[Wait, ...]:
        """The stalls; none without a timeline."""
        return () if self.timeline is None else waits(self.problem, self.plan, self.timeline)

    def fullest(self, most: int = PEAK_STEPS) -> list[int]:
        """The steps with the most bytes on chip, fullest first, then earliest."""
        return [int(step) for step in np.argsort(-self.held, kind="stable")[:most]]

    def on_chip(self, step: int) -> list[int]:
        """The residencies that hold bytes at a step, largest first."""
        held = [i for i, stay in enumerate(self.stays) if stay.start <= step < stay.stop]
        return sorted(held, key=lambda i: (-self.stays[i].bytes, self.stays[i].offset))


def view_of(problem: Problem, outcome: Outcome) -> View:
    """The view of an outcome's plan. NoPlanError without one; InputError where it is no plan of the
    problem at all: an order that does not run every operator once, tensors that don't exist.
    """
    plan = outcome.plan
    if plan is None:
        reason = f": {outcome.reason}" if outcome.reason else ""
        raise NoPlanError(f"there is no plan to show ({outcome.status}){reason}")
    faults = tuple(f"law {fault.law}: {fault.message}" for fault in verify(problem, plan))
    _check_numbers(problem, plan)
    timeline, why = None, ""
    try:
        timeline = simulate(problem, plan)
    except InputError as error:
        why = error.fact
    return View(problem, outcome, plan, timeline, why, faults)


def _check_numbers(problem: Problem, plan: Plan) -> None:
    """Whatever is drawn exists."""
    steps, hint = len(problem.operators), "verify the plan: it is none of this problem"
    if sorted(plan.order) != list(range(steps)):
        raise InputError("the plan's order does not run every operator once", hint)
    ends = [(r.tensor, r.stop) for r in plan.residencies]
    _check_ends(ends + [(t.tensor, t.stop) for t in plan.transfers], problem, steps, hint)


def _check_ends(ends: Sequence[tuple[int, int]], problem: Problem, steps: int, hint: str) -> None:
    for tensor, stop in ends:
        if tensor >= len(problem.tensors) or stop > steps:
            raise InputError(
                f"the plan names tensor {tensor} until step {stop}, the problem has"
                f" {len(problem.tensors)} tensors and {steps} steps",
                hint,
            )
