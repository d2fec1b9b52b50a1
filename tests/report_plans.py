"""Plans to look at: with spills, with updates in place, with names that are no names."""

from __future__ import annotations

from dataclasses import replace

import small
from nets import chain, with_scratchpad

import cosmalloc
from cosmalloc.plan import Moment, Outcome, Plan
from cosmalloc.problem import Problem

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>&lt;${1}`'


def spilling(operators: int = 60, scratchpad: int = 9000, seed: int = 4) -> tuple[Problem, Outcome]:
    """A chain in too little scratchpad: loads, stores, stalls; a solver that took three turns."""
    problem = with_scratchpad(chain(operators, seed=seed), scratchpad)
    outcome = cosmalloc.solve(problem, solver="greedy")
    assert outcome.plan is not None
    assert outcome.value is not None
    assert any(copy.kind == "store" for copy in outcome.plan.transfers)
    value, half = outcome.value, outcome.value // 2
    turns = Moment(0.01, 2 * value, 0), Moment(0.05, value, half), Moment(0.2, value, half + 1)
    return problem, replace(outcome, history=turns)


def evil() -> tuple[Problem, Outcome]:
    """The same with hostile names everywhere."""
    problem, outcome = spilling(60, 9000, 4)
    tensors = tuple(replace(t, name=f"{EVIL}{i}") for i, t in enumerate(problem.tensors))
    operators = tuple(
        replace(o, name=f"{EVIL}{i}", kind=EVIL, location=EVIL)
        for i, o in enumerate(problem.operators)
    )
    target = replace(problem.target, name=EVIL)
    named = Problem(EVIL, target, tensors, operators)
    return named, replace(outcome, problem=EVIL, solver=EVIL)


def in_place() -> tuple[Problem, Outcome]:
    """x is loaded and updated in place to t, y is made of it."""
    tensors = [
        small.tensor("x", 4, "input", group=0),
        small.tensor("t", 4, group=0),
        small.tensor("y", 1, "output"),
    ]
    operators = [
        small.operator(tensors, (0,), (1,), 1.0, "update"),
        small.operator(tensors, (1,), (2,), 1.0, "reduce"),
    ]
    problem = small.problem(small.toy(5), tensors, operators)
    stays = (small.stay(0, 0, 0, 1), small.stay(1, 0, 0, 2), small.stay(2, 4, 1, 2))
    plan = Plan((0, 1), stays, (small.load(0, 0), small.store(2, 2)))
    assert not cosmalloc.verify(problem, plan)
    return problem, Outcome("small", "hand", "feasible", "traffic", plan, 0, 0)
