"""The agent on real programs: legal plans, never worse than its rivals, exact values."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from cosmalloc.errors import InputError
from cosmalloc.latency.msa import msa_plan
from cosmalloc.objective import objective_value
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Playing, player
from cosmalloc.rl_agent.actor import play as play_all
from cosmalloc.rl_agent.budgets import at_share, peak_bytes
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.improve import Improving, improve
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, network_sizes, uses_of
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.network_file import shipped
from cosmalloc.rl_agent.solver import known
from cosmalloc.solve import solve
from cosmalloc.target import OperandRule
from cosmalloc.verify import verify
from tests.nets import chain, tangle, with_scratchpad
from tests.strategies import problems

pytestmark = pytest.mark.usefixtures("quick_compilation")

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NETWORK = Network(network_sizes(hidden=16), jax.random.key(0))
BRIEF = Compiling(slots=4, simulations=2, polish=0.01, tune=2, turns=2)


def anywhere(problem: Problem) -> Problem:
    return replace(problem, target=replace(problem.target, operand_rule="anywhere"))


def even(arena: MappingArena) -> np.ndarray:  # type: ignore[type-arg]
    logits = np.zeros((arena.uses, 11))
    logits[:, 3:] = -1e9
    return logits


@QUICK
@given(problem=problems(rules=["anywhere"], most_operators=6, most_room=14))
def test_a_plan_followed_by_moves_and_changed_at_random_stays_legal(problem: Problem) -> None:
    arena = MappingArena([problem] * 3, Rules())
    first = arena.followed(msa_plan(problem))
    rounds = iter([False, False])
    best, games = improve(
        arena,
        [first],
        even(arena),
        Improving(),
        np.random.default_rng(0),
        lambda: next(rounds, True),
    )
    assert games == 6
    assert len(best[0].moves) == arena.uses
    for game, value in enumerate(arena.values()):
        plan = arena.plan(game)
        assert verify(problem, plan) == []
        assert objective_value(problem, plan, "latency") == pytest.approx(value, rel=1e-9)


def test_scores_are_what_the_plan_saves_in_moves_worth() -> None:
    problem = at_share(anywhere(chain(20)), 0.5)
    arena = MappingArena([problem] * 2, Rules())
    base = arena.values()[0]
    rounds = iter([False])
    lines, _ = improve(
        arena,
        [arena.followed(msa_plan(problem))],
        even(arena),
        Improving(),
        np.random.default_rng(0),
        lambda: next(rounds, True),
    )
    assert lines[0].score / uses_of(problem) == pytest.approx(1 - arena.values().min() / base)


def test_a_game_searched_aside_leaves_the_game_itself_alone() -> None:
    problem = at_share(anywhere(chain(12)), 0.5)
    arena = MappingArena([problem] * 2, Rules(), spare=3)
    arena.reset()
    before = arena.look()
    everyone = np.arange(2)
    for move in (2, 0):
        if before.legal[:, move].all():
            rewards, there = arena.imagine(everyone, np.zeros(2, int), np.full(2, move), 1)
            aside = arena.imagine(everyone, np.ones(2, int), there.legal.argmax(1), 2)
            assert np.isfinite(rewards).all()
            assert np.isfinite(aside[0]).all()
    after = arena.look()
    assert all((one == two).all() for one, two in zip(before, after, strict=True))


def test_every_stage_of_the_agent_ends_in_a_legal_plan_of_its_value() -> None:
    problem = at_share(anywhere(chain(15)), 0.4)
    steps = count()
    compiler = Compiler(problem, Rules(), NETWORK, BRIEF, 0, clock=lambda: next(steps) / 10)
    found = compiler.run(60.0)
    assert verify(problem, found.plan) == []
    assert objective_value(problem, found.plan, "latency") == pytest.approx(found.value, rel=1e-9)
    values = [value for _, value in found.curve]
    assert values == sorted(values, reverse=True)
    assert found.games > 50


def test_without_time_a_few_simple_games_have_to_do_and_plans_of_others_are_followed() -> None:
    problem = at_share(anywhere(chain(9)), 0.4)
    found = Compiler(problem, Rules(), NETWORK, BRIEF, seed=0).run(0.0)
    assert found.games == 8
    assert verify(problem, found.plan) == []
    xla = msa_plan(problem)
    led = Compiler(problem, Rules(), NETWORK, BRIEF, seed=0).run(0.0, plans=[xla])
    assert led.value <= found.value


@pytest.mark.parametrize("seed", range(4))
def test_free_order_and_traffic_end_in_legal_plans(seed: int) -> None:
    problem = tangle(7, seed, "anywhere")
    rules = Rules("traffic", "free")
    arena = MappingArena([problem] * 4, rules)
    compiler = Compiler(problem, rules, NETWORK, BRIEF, seed=seed)
    played = play_all(
        arena, player(arena, compiler.brain, Playing("policy"), np.random.default_rng(seed))
    )
    assert played is not None
    for game in range(4):
        assert verify(problem, arena.plan(game)) == []
        value = objective_value(problem, arena.plan(game), "traffic")
        assert value == pytest.approx(arena.values()[game])


def test_budgets_are_shares_of_what_lives_at_once() -> None:
    problem = anywhere(chain(9))
    peak = peak_bytes(problem)
    assert at_share(problem, 1.0).target.scratchpad_bytes >= peak
    small = at_share(problem, 0.25).target.scratchpad_bytes
    assert 0.25 * peak - 1 <= small < 0.25 * peak + problem.target.alignment


def test_a_program_that_the_rule_resident_leaves_no_room_is_said_to_be_one() -> None:
    with pytest.raises(InputError, match="on chip at once"):
        MappingArena([with_scratchpad(chain(3), 64)], Rules())


def test_the_solver_is_never_worse_than_its_rivals_and_says_what_it_cannot() -> None:
    problem = at_share(anywhere(chain(10)), 0.3)
    values = {
        name: solve(problem, objective="latency", solver=name, seconds=0.2).value
        for name in ("rl", "greedy", "msa")
    }
    assert values["rl"] <= min(values["greedy"], values["msa"])
    peak = solve(problem, objective="peak", solver="rl")
    assert (peak.status, peak.plan) == ("unknown", None)
    assert "latency or traffic" in peak.reason


def test_the_shipped_network_fits_this_game_and_is_small() -> None:
    assert shipped().stat().st_size < 10 * 2**20
    assert known(shipped()).sizes == network_sizes()


@pytest.mark.parametrize("rule", ["resident", "anywhere"])
def test_the_solver_plays_for_traffic_under_both_rules(rule: OperandRule) -> None:
    problem = tangle(8, 3, rule)
    found = solve(problem, objective="traffic", solver="rl", seconds=2)
    first = solve(problem, objective="traffic", solver="greedy", seconds=2)
    assert found.status in ("optimal", "feasible", first.status)
    if found.value is not None and first.value is not None:
        assert found.value <= first.value
