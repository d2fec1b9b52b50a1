"""The last touch to an agent's plans: their stays annealed on the compiled clock.

A game is played whole to learn what one move is worth; the draft of `cosmalloc.latency` learns it
in microseconds, but does not get far from where it starts. So the agent brings starts that differ:
games drawn by its policy. All are annealed for a while, the better ones for longer (successive
halving, Jamieson and Talwalkar 2016); the game's rule for windows and places binds no longer there.
Only for latency, with operands anywhere.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import numpy as np
from numpy.typing import NDArray

from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.search import Round, race
from cosmalloc.latency.starts import FAR, NEAR, Start
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

Tell = Callable[[float], None]  # latency
LEAST = 0.05  # seconds that annealing is worth beginning with
BRIEF = 0.1  # seconds that a start has in the first round, where there are as many starts
KEPT = 64  # drawn games
FIRST = 0.4  # of the time is the first round's
LATER = (
    Round(6, 0.25, 1e-3),
    Round(2, 0.2, 1e-3),
    Round(1, 0.1, 3e-4),
    Round(1, 0.05, 1e-5, 1e-10),
)


def can_polish(problem: Problem, objective: str) -> bool:
    """Whether annealing knows these plans' rule and objective."""
    return objective == "latency" and problem.target.operand_rule == "anywhere"


class Pool:
    """What annealing may start from. plans: of others, and what it has made. drawn: values and
    plans of games since then, the best first."""

    def __init__(self, problem: Problem) -> None:
        self.plans: list[Plan] = []
        self._problem = problem
        self.drawn: list[tuple[float, Plan]] = []

    def add(self, values: NDArray[np.float64], plan: Callable[[int], Plan]) -> None:
        """Games by their values and plans; the best are kept."""
        worst = self.drawn[-1][0] if len(self.drawn) >= KEPT else np.inf
        fresh = [(float(values[game]), game) for game in values.argsort(kind="stable")[:KEPT]]
        kept = [(value, plan(int(game))) for value, game in fresh if value < worst]
        self.drawn = sorted([*self.drawn, *kept], key=lambda each: each[0])[:KEPT]

    def polished(
        self, best: Sequence[Plan], seconds: float, seed: int, tell: Tell = lambda _latency: None
    ) -> Plan | None:
        """`polished` from all of it, and from these."""
        drawn = [plan for _, plan in self.drawn]
        found = polished(self._problem, [*self.plans, *best], drawn, seconds, seed, tell)
        if found is not None:
            self.plans, self.drawn = [found], []
        return found


def polished(
    problem: Problem,
    plans: Sequence[Plan],
    drawn: Sequence[Plan],
    seconds: float,
    seed: int,
    tell: Tell = lambda _latency: None,
) -> Plan | None:
    """The best that annealing makes of these legal plans within the seconds; None without plans or
    time. Plans in another order than the first are left out.

    plans: good ones, where it starts less hot. drawn: others, of which it takes as many as it has
    tenths of a second for. tell: hears of latencies on the way. Ctrl-C ends it with the best so
    far, and is heard by the caller's handler, too.
    """
    asked = [*((plan, NEAR) for plan in plans), *((plan, FAR) for plan in drawn)]
    if not asked or seconds < LEAST:
        return None
    began = time.perf_counter()
    drafting = Drafting.of(problem, asked[0][0].order)
    places = max(1, int(FIRST * seconds / BRIEF))
    alike = [each for each in asked if each[0].order == drafting.order][:places]
    starts = [Start.of_plan(drafting, plan, hot) for plan, hot in alike]
    best = min(starts, key=_latency)
    rounds = (Round(len(starts), FIRST, None), *LATER)
    left = seconds - (time.perf_counter() - began)
    with _raising():
        try:
            least = bound(problem, "latency")
            best = race(drafting, starts, left, seed, least, lambda found, _: tell(found), rounds)
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
