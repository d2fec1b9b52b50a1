"""Programs at scratchpads between too little and plenty."""

from __future__ import annotations

from dataclasses import replace

from cosmalloc.lifetimes import alive_bytes, lifetimes, source_order
from cosmalloc.problem import Problem

SHARES = (0.12, 0.25, 0.5, 1.0)  # of the peak


def peak_bytes(problem: Problem) -> int:
    """The most bytes of tracked tensors alive at one step, in source order; at least 1."""
    alive = alive_bytes(problem, lifetimes(problem, source_order(problem)))
    return max(1, int(alive.max(initial=0)))


def at_share(problem: Problem, share: float) -> Problem:
    """The same program with this share of its peak as scratchpad, rounded up to the alignment."""
    align = problem.target.alignment
    size = -(-int(share * peak_bytes(problem)) // align) * align
    return replace(problem, target=replace(problem.target, scratchpad_bytes=size))
