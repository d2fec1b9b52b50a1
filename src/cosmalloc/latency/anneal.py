"""Simulated annealing over a plan in the making.

A move gives one tensor other stays: brings a use on chip, keeps or drops one, starts a copy earlier
or later. Whatever stands in the way leaves, or keeps what it can of its stay, and comes back
elsewhere if that pays. Most moves are made where the timeline loses seconds: at steps that wait for
off-chip bytes and at borders that wait for copies. The compiled clock tells what a move is worth;
one that costs seconds stays with probability exp(-cost / temperature) (Kirkpatrick, Gelatt and
Vecchi 1983). Native code, see native/search_latency.hpp.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cosmalloc.latency.draft import Drafting, Rows
from cosmalloc.plan import Plan


@dataclass(frozen=True, slots=True)
class Annealing:
    """hot, cold: temperature at the start and the end of a round, as a share of the latency.
    rounds: each starts from the best so far, the later ones less hot. moves: in all, 0 for as many
    as the time allows; only with a number of moves does a seed alone decide the answer.
    """

    hot: float = 3e-3
    cold: float = 2e-6
    rounds: int = 3
    moves: int = 0


@dataclass(frozen=True, slots=True)
class Heat:
    """One round's best. curve: (seconds since it started, latency) of every improvement.
    moves, accepted: how many were tried and kept. interrupted: by Ctrl-C."""

    rows: Rows
    latency: float
    curve: tuple[tuple[float, float], ...]
    moves: int
    accepted: int
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Found:
    """plan: the best. curve: (seconds since the search started, latency) of every improvement.
    moves, accepted: how many were tried and kept. interrupted: by Ctrl-C."""

    plan: Plan
    latency: float
    curve: tuple[tuple[float, float], ...]
    moves: int
    accepted: int
    interrupted: bool


def heat(
    drafting: Drafting, start: Rows, *, seconds: float, seed: int, hot: float, how: Annealing
) -> Heat:
    """One round from these stays on, the temperature falling from `hot` to `how.cold`."""
    draft = drafting.empty()
    draft.set_stays(start)
    first = draft.latency()
    rows, latency, tried, kept, points, interrupted = draft.search(
        seconds, seed, how.moves, hot, how.cold
    )
    if latency >= first:
        rows, latency = start, first
    curve = tuple((at, point) for at, _, point in points if point < first)
    return Heat(rows, latency, curve, tried, kept, interrupted)


def anneal(
    drafting: Drafting,
    start: Rows,
    *,
    seconds: float,
    seed: int = 0,
    how: Annealing | None = None,
    report: Callable[[float, float], None] | None = None,
) -> Found:
    """The best plan found from these stays on. report: called after each round with the latency
    and the share of the time that is over."""
    how = how or Annealing()
    round_ = Annealing(how.hot, how.cold, 1, how.moves // how.rounds)
    began = time.perf_counter()
    draft = drafting.empty()
    draft.set_stays(start)
    rows, latency = start, draft.latency()
    curve = [(0.0, latency)]
    moves = accepted = 0
    interrupted = False
    for number in range(how.rounds):
        gone = time.perf_counter() - began
        left = (seconds - gone) / (how.rounds - number)
        if left <= 0 or interrupted:
            break
        hot, dice = how.hot / 3**number, seed * how.rounds + number
        found = heat(drafting, rows, seconds=left, seed=dice, hot=hot, how=round_)
        moves, accepted = moves + found.moves, accepted + found.accepted
        curve += [(gone + at, point) for at, point in found.curve if point < curve[-1][1]]
        rows, latency, interrupted = found.rows, found.latency, found.interrupted
        if report is not None:
            report(latency, min(1.0, (time.perf_counter() - began) / seconds))
    return Found(drafting.plan(rows), latency, tuple(curve), moves, accepted, interrupted)
