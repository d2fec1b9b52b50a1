"""What links and uses are worth to the greedy solver, against counting everything anew."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.greedy.board import Neighbours, cost_at
from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.prices import AnywhereTraffic, Prices, ResidentTraffic
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.seconds_prices import AnywhereSeconds
from cosmalloc.greedy.stays import stays_of
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Uses, uses_of
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.simulate import simulate
from cosmalloc.target import OPERAND_RULES, OperandRule
from cosmalloc.traffic import traffic as accounts
from tests.nets import tangle

SEEDS = st.integers(0, 10**6)
Make = Callable[[Uses], Prices]
WAYS: dict[str, tuple[OperandRule, Make]] = {
    "resident": ("resident", ResidentTraffic),
    "anywhere": ("anywhere", AnywhereTraffic),
    "seconds": ("anywhere", lambda uses: AnywhereSeconds(uses, Roofline.of(uses), 0.5)),
}


def some_uses(seed: int, rule: OperandRule) -> tuple[Uses, random.Random]:
    problem = tangle(8, seed, rule)
    return uses_of(problem, lifetimes(problem, source_order(problem))), random.Random(seed)


def some_links(uses: Uses, dice: random.Random) -> Bools:
    return np.array([not last and dice.random() < 0.5 for last in uses.last], np.bool_)


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_a_link_is_worth_what_toggling_it_changes(way: str, seed: int) -> None:
    rule, make = WAYS[way]
    uses, dice = some_uses(seed, rule)
    kept, prices = some_links(uses, dice), make(uses)
    if prices.may_leave:
        prices.lone[:] = [dice.random() < 0.2 for _ in kept]
    price = prices.per_link(kept)
    for link in np.flatnonzero(~uses.last).tolist():
        toggled = kept.copy()
        toggled[link] = not kept[link]
        change = prices.total(toggled) - prices.total(kept)
        assert price[link] == pytest.approx(change if kept[link] else -change, abs=1e-15)
    tensor = dice.randrange(len(uses.bytes))
    rows = uses.rows_of(tensor)
    again = price.copy()
    again[rows] = -1
    prices.update(again, kept, tensor)
    assert again.tolist() == pytest.approx(price.tolist())


@pytest.mark.parametrize("way", ["anywhere", "seconds"])
@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_a_lone_use_is_worth_what_it_changes(way: str, seed: int) -> None:
    rule, make = WAYS[way]
    uses, dice = some_uses(seed, rule)
    kept, prices = some_links(uses, dice), make(uses)
    worth, before = prices.per_use(kept), prices.total(kept)
    for row in np.flatnonzero(~Choice.of(kept, prices.lone).on).tolist():
        prices.lone[row] = True
        assert worth[row] == pytest.approx(before - prices.total(kept), abs=1e-15)
        prices.lone[row] = False


@pytest.mark.parametrize("rule", OPERAND_RULES)
@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_the_traffic_of_links_is_that_of_their_plan(rule: OperandRule, seed: int) -> None:
    uses, dice = some_uses(seed, rule)
    lone = np.array([rule == "resident" or dice.random() < 0.3 for _ in uses.last], np.bool_)
    choice = Choice.of(some_links(uses, dice), lone)
    stays = stays_of(uses, choice, ())
    nowhere = np.zeros(len(stays), np.int64)
    copies = blocking_copies(uses, choice, stays, nowhere, nowhere > 0)
    plan = plan_of(uses, copies)
    assert traffic(uses, choice).sum() == accounts(uses.problem, plan).non_compulsory


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, rule=st.sampled_from(OPERAND_RULES))
def test_the_roofline_is_the_clock_without_its_stalls(seed: int, rule: OperandRule) -> None:
    uses, dice = some_uses(seed, rule)
    lone = np.array([rule == "resident" or dice.random() < 0.3 for _ in uses.last], np.bool_)
    choice = Choice.of(some_links(uses, dice), lone)
    stays = stays_of(uses, choice, ())
    nowhere = np.zeros(len(stays), np.int64)
    plan = plan_of(uses, blocking_copies(uses, choice, stays, nowhere, nowhere > 0))
    timeline = simulate(uses.problem, plan)
    running = np.subtract(timeline.step_stop, timeline.step_start)
    assert running.tolist() == pytest.approx(Roofline.of(uses).seconds(choice.on).tolist())


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 9), st.sampled_from([0.5, 2.0, np.inf])),
        min_size=1,
    ),
    st.integers(1, 9),
)
def test_room_costs_the_sum_over_stays_that_it_meets(
    stays: list[tuple[int, int, float]], size: int
) -> None:
    offset, length, cost = (np.array(column) for column in zip(*stays, strict=True))
    none = np.zeros(len(stays), np.int64)
    around = Neighbours(none, offset, length, none, cost, none > 0)
    for x, found in enumerate(cost_at(np.arange(30), around, size, cost).tolist()):
        meets = (offset < x + size) & (offset + length > x)
        assert found == cost[meets].sum()
        assert around.meeting(x, size).tolist() == np.flatnonzero(meets).tolist()
