"""Is our clock the compiler's? Its plan, on our clock, against the line it logs per instruction.

The compiler's simulator (openxla/xla, memory_space_assignment/simulator.cc) has two bugs:
    1. an operand counts as read from the fast memory wherever its value lies, so long as the value
       was planned; its log tells which operands it counted so
    2. while an operator runs, the channel's speed is halved once more after every copy that ends
       with both queues waiting, instead of once
`as_the_compiler_counts` and `CompilerChannel` are our rules with them. Without them the clock tells
what the cost model means.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosmalloc.channel import Channel
from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.seconds import (
    Cost,
    OperatorSeconds,
    Rule,
    Where,
    compute_seconds,
    operator_seconds,
)
from cosmalloc.simulate import simulate
from cosmalloc.tpu.log import Log

CLOSE = 3e-5  # of a time: the log has six digits, and so have the bytes that times are made of
TINY = 2e-12  # seconds


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One instruction whose seconds differ: ours and the compiler's, of one trip."""

    instruction: str
    ours: float
    logged: float


@dataclass(frozen=True)
class Exactness:
    """compared: instructions with a logged line. seconds, logged: of the whole program."""

    compared: int
    mismatches: tuple[Mismatch, ...]
    seconds: float
    logged: float


def as_the_compiler_counts(program: XlaProgram, log: Log) -> Rule:
    """`operator_seconds` with the compiler's bug."""
    lines = {line.instruction: line for line in log.ran}
    counted: list[set[int]] = []
    for steps in program.step_of:
        step = program.flow.steps[steps[0]]
        line = lines.get(step.instruction.name)
        fast = line.fast if line is not None else frozenset()
        values = [value for number, index, value in step.reads if (number, index) in fast]
        counted.append({t for t in map(program.tensor_of.__getitem__, values) if t is not None})

    def rule(
        problem: Problem, operator: int, on_chip: Where, cost: Cost = compute_seconds
    ) -> OperatorSeconds:
        fast = counted[operator]
        return operator_seconds(problem, operator, lambda t: t in fast or on_chip(t), cost)

    return rule


class CompilerChannel(Channel):
    """Copies that move by bug 2."""

    def run(self, now: float, seconds: float, speed: float) -> None:
        idle, share = seconds * speed, 1.0
        while idle > 0 and (heads := self._heads()):
            share /= len(heads)
            need = min(self.left[copy] for copy in heads)
            moved = min(need, idle * share)
            idle -= moved / share
            self._move(heads, moved, now + seconds - idle)


def exactness(program: XlaProgram, plan: Plan, log: Log) -> Exactness:
    """Compare per operator and per wait; `program` read with merge_views=False and once=True.

    What a `copy-done` waits is a stall of ours at its border; both sides are summed, times trips.
    """
    problem = program.problem
    ours = simulate(
        problem, plan, rule=as_the_compiler_counts(program, log), queues=CompilerChannel
    )
    lines = {line.instruction: line for line in log.ran}
    found = []
    compared, total, waited = 0, 0.0, 0.0
    for step, operator in enumerate(plan.order):
        name = program.flow.steps[program.step_of[operator][0]].instruction.name
        line = lines.get(name)
        spent = ours.step_stop[step] - ours.step_start[step]
        trips = 1.0 if line is None else line.trips
        waited += ours.stall[step] * trips
        total += spent * trips
        if line is None:
            continue
        compared += 1
        if abs(spent - line.elapsed) > CLOSE * line.elapsed + TINY:
            found.append(Mismatch(name, spent, line.elapsed))
    waited += ours.latency - ours.step_stop[-1] if ours.step_stop else 0.0
    total += waited
    logged = sum(x.elapsed * x.trips for x in log.ran if "-done" in x.instruction)
    compared += 1
    if abs(waited - logged) > CLOSE * (log.seconds or 0.0):
        found.append(Mismatch("waits", waited, logged))
    return Exactness(compared, tuple(found), total, log.seconds or 0.0)
