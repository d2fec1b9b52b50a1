"""The last touch to an agent's plans: their stays annealed on the compiled clock.

A game is played whole to learn what one move is worth; the draft of `cosmalloc.latency` learns it
in microseconds, but does not get far from where it starts. So the agent brings starts that differ,
and annealing brings each to the bottom of its valley; the game's rule for windows and places binds
no longer there. Only for latency, with operands anywhere.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.search import race
from cosmalloc.latency.starts import Start, planned
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

LEAST = 0.05  # seconds that annealing is worth beginning with


def can_polish(problem: Problem, objective: str) -> bool:
    """Whether annealing knows these plans' rule and objective."""
    return objective == "latency" and problem.target.operand_rule == "anywhere"


def polished(
    problem: Problem,
    plans: Sequence[Plan],
    seconds: float,
    seed: int,
    tell: Callable[[float], None] = lambda _latency: None,
) -> Plan | None:
    """The best that annealing makes of these legal plans within the seconds; None without time, or
    if stays can say none of them. Plans in another order than the first are left out.

    tell: hears of latencies on the way. Ctrl-C ends it with the best so far, and is heard by the
    caller's handler, too.
    """
    if not plans or seconds < LEAST:
        return None
    began = time.perf_counter()
    drafting = Drafting.of(problem, plans[0].order)
    alike = [plan for plan in plans if plan.order == drafting.order]
    starts = [start for plan in alike if (start := planned(drafting, [plan])) is not None]
    if not starts:
        return None
    best = min(starts, key=_latency)
    left = seconds - (time.perf_counter() - began)
    with _raising():
        try:
            least = bound(problem, "latency")
            best = race(drafting, starts, left, seed, least, lambda latency, _: tell(latency))
        except KeyboardInterrupt:  # between two rounds
            pass
    return drafting.plan(best.rows)


@contextmanager
def _raising() -> Iterator[None]:
    """What Ctrl-C does beside, it also raises KeyboardInterrupt, which ends native searches."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: FrameType | None) -> None:
        if callable(before):
            before(number, frame)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _latency(start: Start) -> float:
    return start.latency
