"""The solver `ilp` where operands may lie anywhere, and where seconds count.

The bound is for every order. First comes what all orders have in common (see `any_order`); where a
problem has few orders, the least of the bounds of each. Plans come from the programs of single
orders: the source order, then every order if they are few, else some worth trying.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.uses import uses_of
from cosmalloc.history import Standing
from cosmalloc.ilp import any_order
from cosmalloc.ilp.anywhere import best_access
from cosmalloc.ilp.best import Best, Progress, left, say
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.few_orders import Order, few_orders
from cosmalloc.ilp.latency import best_latency
from cosmalloc.ilp.orders import orders
from cosmalloc.ilp.packing import plan_in_low
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.in_place import lenders, partly_written
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.plan import Objective, Plan
from cosmalloc.problem import Problem

LARGEST = 4000  # operators
FLOOR = 0.2  # of the time, for what all orders have in common
FIRST = 0.5  # of the time left then, for the source order
SOME = 12  # orders, where there are more than a few
NEAR = 1e-9  # relative: what two sums of seconds differ by and are equal
Try = Callable[[Order, float], tuple[Plan | None, float]]  # order, seconds -> plan, bound


def goes_beyond(problem: Problem, objective: Objective) -> bool:
    """Whether this module knows more than `greedy` does, and the rest of `ilp` nothing."""
    anywhere = problem.target.operand_rule == "anywhere"
    return (anywhere or objective == "latency") and len(problem.operators) <= LARGEST


def improve_beyond(best: Best, stop: float, progress: Progress) -> None:
    """Betters plan and bound until proven or late."""
    if best.objective == "peak":
        improve_low(best, stop)
    elif best.objective == "traffic":
        improve_access(best, stop, progress)
    else:
        improve_latency(best, stop, progress)


def improve_access(best: Best, stop: float, progress: Progress) -> None:
    """Traffic under `anywhere`."""
    if len(best.problem.operators) <= any_order.LARGEST:
        best.raise_bound(any_order.traffic_floor(best.problem, FLOOR * left(stop)))
    say(best, progress, FLOOR)

    def attempt(order: Order, seconds: float) -> tuple[Plan | None, float]:
        found = best_access(best.problem, order, seconds, best.seed)
        return found.plan, found.bound

    _try_orders(best, attempt, stop, lambda share: say(best, progress, share))


def improve_latency(best: Best, stop: float, progress: Progress) -> None:
    """Latency under either rule."""
    if len(best.problem.operators) <= any_order.LARGEST:
        best.raise_bound(any_order.latency_floor(best.problem, FLOOR * left(stop)))

    def attempt(order: Order, seconds: float) -> tuple[Plan | None, float]:
        hint = best.plan if best.plan is not None and best.plan.order == order else None
        return best_latency(best.problem, order, seconds, best.seed, hint=hint)

    def told(share: float) -> None:
        if best.plan is not None:
            if best.value <= best.bound * (1 + NEAR):
                best.raise_bound(best.value)
            words = f"{best.value:.4g} s, at least {best.bound:.4g} s"
            progress(Standing(words, best.value, min(best.bound, best.value)), share)

    told(FLOOR)
    _try_orders(best, attempt, stop, told)


def _try_orders(best: Best, attempt: Try, stop: float, told: Callable[[float], None]) -> None:
    source = source_order(best.problem)
    everyone = few_orders(best.problem)
    rest = everyone if everyone is not None else orders(best.problem)
    if best.proven:
        return
    seconds = left(stop) if everyone is not None and len(everyone) == 1 else FIRST * left(stop)
    plan, least = attempt(source, seconds)
    best.offer(plan)
    told(FLOOR + FIRST)
    bounds = [least]
    count = len(everyone) if everyone is not None else SOME
    for turn, order in enumerate(o for o in rest if o != source):
        if best.proven or left(stop) <= 0 or turn == count:
            break
        plan, least = attempt(order, left(stop) / (count - turn))
        best.offer(plan)
        bounds.append(least)
    if everyone is not None and len(bounds) == len(everyone):
        best.raise_bound(min(bounds))
        best.hopeless = best.plan is None and min(bounds) == float("inf")
    told(1.0)


def improve_low(best: Best, stop: float) -> None:
    """Peak under `anywhere`: only what can't be accessed off-chip for nothing takes part."""
    problem = best.problem
    if any(lenders(problem, o, r) for o in _operators(problem) for r in partly_written(problem, o)):
        return
    part = with_the_needed(problem)
    found = lowest_order(facts_of(part), left(stop))
    if not _ends_unseen(part):
        best.raise_bound(found.bound - (problem.target.alignment - 1))
    if found.order is not None:
        best.offer(plan_in_low(part, found.order, left(stop), best.seed))
    if best.plan is None and best.bound > problem.target.scratchpad_bytes:
        best.hopeless = True


def with_the_needed(problem: Problem) -> Problem:
    """The problem under `resident` in which only those tensors are tracked that would move more
    than compulsory bytes if they were never on chip."""
    uses = uses_of(problem, lifetimes(problem, source_order(problem)))
    nothing = np.zeros(len(uses.step), np.bool_)
    moved = traffic(uses, Choice(nothing, nothing)).tolist()
    tensors = tuple(
        replace(tensor, tracked=tensor.tracked and extra > 0)
        for tensor, extra in zip(problem.tensors, moved, strict=True)
    )
    target = replace(problem.target, operand_rule="resident")
    return replace(problem, target=target, tensors=tensors)


def _ends_unseen(part: Problem) -> bool:
    """Whether some input or output could be off-chip at an access of no bytes."""
    return any(
        count == 0 and part.tensors[t].tracked and part.tensors[t].kind != "intermediate"
        for node in part.operators
        for t, count in zip(
            (*node.inputs, *node.outputs),
            (*node.input_bytes_accessed, *node.output_bytes_accessed),
            strict=True,
        )
    )


def _operators(problem: Problem) -> range:
    return range(len(problem.operators))
