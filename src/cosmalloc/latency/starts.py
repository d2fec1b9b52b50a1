"""Where a search for less latency starts: what others decide, as stays.

`msa` in five manners, plans handed in, and what the fixed-order program of `cosmalloc.ilp.latency`
says: its relaxation knows how the scratchpad's bytes are best shared over time, though not where
they lie.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cosmalloc import _native
from cosmalloc.latency.draft import Drafting, Rows
from cosmalloc.latency.msa import Msa, decoded
from cosmalloc.plan import Plan

if TYPE_CHECKING:
    from cosmalloc.ilp.latency import Offer

MANNERS = (  # beside XLA's own
    Msa(by_trip=False),
    Msa(preferred=1.0, by_trip=False),
    Msa(preferred=4.0, by_trip=False),
    Msa(preferred=1.0, least=0.5, by_trip=False),
)
FAR, NEAR = 3e-3, 3e-4  # temperatures to start with, as shares of the latency
LARGEST = 4_000  # operators of a program


@dataclass(frozen=True, slots=True)
class Start:
    """rows: stays (see `Drafting`). latency: seconds. hot: how hot annealing from here begins."""

    rows: Rows
    latency: float
    hot: float

    @classmethod
    def of(cls, draft: _native.Draft, hot: float) -> Start:
        return cls(draft.stays(), draft.latency(), hot)

    @classmethod
    def of_plan(cls, drafting: Drafting, plan: Plan, hot: float) -> Start:
        """A legal plan in the drafting's order, as far as stays can say it."""
        draft = drafting.empty()
        draft.set_stays(drafting.rows(plan), by_half=True)
        return cls.of(draft, hot)


def decided(drafting: Drafting, seconds: float = math.inf) -> Start:
    """The best of `msa` in as many manners as have the time, at least in its own: far from good, so
    that annealing starts hot."""
    stop = time.perf_counter() + seconds
    starts = [Start.of(decoded(drafting, Msa.of(drafting.problem.target)), FAR)]
    more = (rules for rules in MANNERS if time.perf_counter() < stop)
    starts += [Start.of(decoded(drafting, rules), FAR) for rules in more]
    return min(starts, key=_latency)


def planned(drafting: Drafting, plans: Iterable[Plan]) -> Start | None:
    """The best of these legal plans, as far as stays can say it; None if there is none."""
    starts = (Start.of_plan(drafting, plan, NEAR) for plan in plans)
    return min(starts, key=_latency, default=None)


def programmed(
    drafting: Drafting, seconds: float, seed: int
) -> Iterator[tuple[Start | None, float]]:
    """The best of the relaxation, then that of branch and bound; with each the bound for plans in
    this order. Nothing for programs that are too long."""
    from cosmalloc.ilp.latency import first_offers

    if len(drafting.order) > LARGEST or seconds <= 0:
        return
    offers: dict[bool, list[Offer]] = {False: [], True: []}
    for offer in first_offers(drafting.problem, drafting.order, seconds, seed):
        if offer.whole and not offers[True]:
            yield _best_offer(drafting, offers[False])
        offers[offer.whole].append(offer)
    yield _best_offer(drafting, offers[bool(offers[True])])


def _best_offer(drafting: Drafting, offers: Sequence[Offer]) -> tuple[Start | None, float]:
    plans = [offer.plan for offer in offers if offer.plan is not None]
    return planned(drafting, plans), max(offer.bound for offer in offers)


def _latency(start: Start) -> float:
    return start.latency
