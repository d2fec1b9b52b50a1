"""Overrides that the compiler follows: tell, read back, mend, tell again.

`wish` first. Where the compiler's plan is slower than ours, what it did not hold is placed first
next time, and what it loaded though nobody asked, and waited for, is told to stay off-chip. When
that no longer helps, the other forces get their turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.tpu.compiler import Compiler, Variant
from cosmalloc.tpu.overrides import Force, overrides

CLOSE = 0.02  # of our gain: what a plan may lose on its way through the compiler
FAIR = 0.1  # the same, before other forces are tried
ROUNDS = 3  # of `wish`
LATER: tuple[Force, ...] = ("hint", "demand", "sequence")
LEAST = 1e-9  # seconds


@dataclass(frozen=True)
class Steered:
    """variants: one per force that the compiler took, the best of its rounds. dropped: demands
    that it refused."""

    variants: tuple[Variant, ...]
    dropped: int


@dataclass(frozen=True)
class Mending:
    """As of `overrides`: what to tell otherwise than at first."""

    first: tuple[int, ...] = ()
    off_chip: frozenset[int] = frozenset()
    united: bool = False


def steer(
    compiler: Compiler,
    program: XlaProgram,
    plan: Plan,
    alone: float,
    say: Callable[[str], None],
) -> Steered:
    """Make the compiler follow `plan`. alone: seconds of its own best plan."""
    ours = simulate(program.problem, plan).latency
    gain = max(0.0, alone - ours)
    best = _wished(compiler, program, plan, ours + CLOSE * gain, say)
    found = [] if best is None else [best]
    dropped = 0
    for force in LATER:
        if found and min(v.seconds for v in found) <= ours + FAIR * gain:
            break
        say(f"compiling with overrides as {force}")
        told, less = compiler.accepted(overrides(program, plan), force)
        if told is not None:
            found.append(compiler.variant(force, told.options(force), program))
            dropped = less if force == "demand" else dropped
    return Steered(tuple(found), dropped)


def _wished(
    compiler: Compiler,
    program: XlaProgram,
    plan: Plan,
    enough: float,
    say: Callable[[str], None],
) -> Variant | None:
    """The best of some rounds of `wish`."""
    best: Variant | None = None
    mending = Mending()
    for number in range(ROUNDS):
        say(f"compiling with overrides, round {number + 1}")
        told = overrides(program, plan, mending.first, mending.off_chip, mending.united)
        try:
            got = compiler.variant("wish", told.options("wish"), program)
        except InputError:
            if mending.united:
                break
            mending = replace(mending, united=True)
            continue
        if best is None or got.seconds < best.seconds:
            best = got
        if got.seconds <= enough:
            break
        then = mended(program.problem, plan, got.plan, mending)
        if then == mending:
            break
        mending = then
    return best


def mended(problem: Problem, plan: Plan, got: Plan, so_far: Mending) -> Mending:
    """What to say otherwise, by the steps at which `got` is slower than `plan`."""
    ours, theirs = simulate(problem, plan), simulate(problem, got)
    wanted, held = Presence.of(plan), Presence.of(got)
    lost: dict[int, float] = {}
    off_chip = set(so_far.off_chip)
    loads = {(c.tensor, c.stop) for c in got.transfers if c.kind == "load"}
    for step, operator in enumerate(problem.operators):
        more = (theirs.step_stop[step] - theirs.step_start[step]) - (
            ours.step_stop[step] - ours.step_start[step]
        )
        waits = theirs.stall[step] - ours.stall[step]
        for tensor in (*operator.inputs, *operator.outputs):
            here = held.on_chip(tensor, step)
            if more > LEAST and wanted.on_chip(tensor, step) and not here:
                lost[tensor] = lost.get(tensor, 0.0) + more
            asked = wanted.on_chip(tensor, step)
            if waits > LEAST and here and not asked and (tensor, step) in loads:
                off_chip.add(tensor)
    ahead = sorted(lost, key=lambda tensor: (-lost[tensor], tensor))
    first = (*ahead, *(tensor for tensor in so_far.first if tensor not in lost))
    return replace(so_far, first=first, off_chip=frozenset(off_chip))
