"""Annealing of the agent's plans: legal, never worse, over when it is told."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from cosmalloc.latency.msa import msa_plan
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, network_sizes
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.polish import KEPT, Pool, can_polish, polished
from cosmalloc.verify import verify
from tests.nets import chain, tangle
from tests.strategies import problems

NETWORK = Network(network_sizes(hidden=16), jax.random.key(0))
DICE = Compiling(slots=4, policy=False, search=0.0, improve=False, tune=0, turns=1)


def anywhere(problem: Problem, share: float = 0.3) -> Problem:
    loose = replace(problem, target=replace(problem.target, operand_rule="anywhere"))
    return at_share(loose, share)


def latency(problem: Problem, plan: Plan) -> float:
    return objective_value(problem, plan, "latency")


def games(problem: Problem, count: int) -> list[Plan]:
    """Plans of games of even dice."""
    arena = MappingArena([problem] * count, Rules())
    dice = np.random.default_rng(0)
    while not arena.games.done().all():
        chance = np.where(arena.legal(), dice.random(arena.legal().shape), -1.0)
        arena.play(chance.argmax(1))
    return [arena.plan(game) for game in range(count)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problem=problems(rules=["anywhere"], most_operators=6, most_room=14))
def test_what_is_annealed_is_legal_and_no_worse_than_the_best_it_began_with(
    problem: Problem,
) -> None:
    plans = [msa_plan(problem), *games(problem, 2)]
    found = polished(problem, plans[:1], plans[1:], 0.06, seed=0)
    assert found is not None
    assert verify(problem, found) == []
    assert bound(problem, "latency") <= latency(problem, found) * (1 + 1e-9)
    assert latency(problem, found) <= min(latency(problem, p) for p in plans) * (1 + 1e-9)


def test_games_of_dice_get_much_better_by_it() -> None:
    problem = anywhere(chain(20))
    plans = games(problem, 3)
    found = polished(problem, [], plans, 0.5, seed=0)
    assert found is not None
    assert latency(problem, found) < min(latency(problem, plan) for plan in plans)


def test_nothing_comes_of_no_plans_or_no_time() -> None:
    problem = anywhere(chain(5))
    assert polished(problem, [], [], 1.0, seed=0) is None
    assert polished(problem, [msa_plan(problem)], [], 0.0, seed=0) is None


def test_plans_in_another_order_are_left_out() -> None:
    problem = anywhere(tangle(7, 1, "anywhere"))
    first = msa_plan(problem)
    other = replace(first, order=first.order[::-1])
    found = polished(problem, [first], [other], 0.1, seed=0)
    assert found is not None
    assert found.order == first.order
    assert verify(problem, found) == []


def test_ctrl_c_ends_it_with_the_best_and_is_heard_by_who_listens() -> None:
    problem = anywhere(chain(60))
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    try:
        timer.start()
        found = polished(problem, [], games(problem, 2), 60.0, seed=0)
        again = signal.getsignal(signal.SIGINT)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    assert callable(again)
    assert found is not None
    assert verify(problem, found) == []


def test_it_is_for_latency_with_operands_anywhere() -> None:
    problem = anywhere(chain(5))
    resident = replace(problem, target=replace(problem.target, operand_rule="resident"))
    assert can_polish(problem, "latency")
    assert not can_polish(problem, "traffic")
    assert not can_polish(resident, "latency")


@pytest.mark.parametrize("order", ["given", "free"])
def test_the_agents_games_are_annealed(order: str) -> None:
    problem = anywhere(chain(20))
    rules = Rules("latency", "free" if order == "free" else "given")
    told: list[tuple[float, float]] = []
    compiler = Compiler(
        problem, rules, NETWORK, DICE, 0, tell=lambda value, share: told.append((value, share))
    )
    compiler.dice()
    played = len(told)
    before, pool = compiler.value, compiler.pool
    assert pool is not None
    compiler.polish(pool, 0.5, turn=0)
    found = compiler.found()
    assert verify(problem, found.plan) == []
    assert latency(problem, found.plan) == pytest.approx(found.value, rel=1e-9)
    assert found.value < before
    assert len(told) > played + 1  # on the way, too
    assert min(value for value, _ in told) >= found.value * (1 - 1e-9)
    assert pool.plans == [found.plan]


def test_without_annealing_there_is_no_pool() -> None:
    problem = anywhere(chain(9))
    assert Compiler(problem, Rules(), NETWORK, replace(DICE, polish=0.0), 0).pool is None
    assert Compiler(problem, Rules("traffic"), NETWORK, DICE, 0).pool is None


def test_the_pool_keeps_the_best_drawn_games() -> None:
    problem = anywhere(chain(9))
    pool, plans = Pool(problem), games(problem, 8)
    values = np.array([latency(problem, plan) for plan in plans])
    for _ in range(12):
        pool.add(values, plans.__getitem__)
    assert len(pool.drawn) == KEPT
    assert [value for value, _ in pool.drawn] == sorted(value for value, _ in pool.drawn)
    assert pool.drawn[0][0] == values.min()
    found = pool.polished([], 0.2, seed=0)
    assert found is not None
    assert (pool.plans, pool.drawn) == ([found], [])


def test_it_is_over_where_the_best_meets_the_bound() -> None:
    problem = anywhere(chain(6))
    slow = replace(
        problem.target, onchip_read_bytes_per_second=4e9, onchip_write_bytes_per_second=4e9
    )
    compiler = Compiler(replace(problem, target=slow), Rules(), NETWORK, DICE, seed=0)
    found = compiler.run(600.0)  # the chip is no faster: nothing beats leaving all off it
    assert compiler.proven
    assert found.value == pytest.approx(bound(compiler.problem, "latency"), rel=1e-9)
