"""mallocGame as a gymnasium environment."""

from __future__ import annotations

import numpy as np
import pytest

from cosmalloc.errors import InputError
from cosmalloc.objective import objective_value
from cosmalloc.verify import verify
from tests.nets import tangle, with_scratchpad

pytest.importorskip("gymnasium", reason="the extra `[rl]` is not installed")

from gymnasium.utils.env_checker import check_env

from cosmalloc.rl_agent.arrays import Goal, Ordering
from cosmalloc.rl_agent.env import MallocEnv

PROBLEMS = [with_scratchpad(tangle(8, seed, "anywhere"), 40) for seed in (1, 2)]


@pytest.mark.parametrize("order", ["given", "free"])
@pytest.mark.parametrize("objective", ["latency", "traffic"])
@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes")
def test_gymnasium_s_checker_finds_no_fault(objective: Goal, order: Ordering) -> None:
    check_env(MallocEnv(PROBLEMS, objective=objective, order=order, board=(8, 8)))


def test_an_episode_of_masked_moves_ends_in_a_legal_plan_worth_its_rewards() -> None:
    env = MallocEnv(PROBLEMS)
    _, info = env.reset(seed=3, options={"problem": 1})
    env.action_space.seed(5)
    total, over = 0.0, False
    start = info["value"]
    while not over:
        move = env.action_space.sample(info["action_mask"])
        seen, reward, over, truncated, info = env.step(move)
        assert not truncated
        assert not info["illegal"]
        assert np.array_equal(seen["action_mask"], info["action_mask"])
        total += reward
    assert verify(PROBLEMS[1], env.plan()) == []
    value = objective_value(PROBLEMS[1], env.plan(), "latency")
    assert value == pytest.approx(info["value"], rel=1e-9)
    assert total == pytest.approx((start - value) / start, rel=1e-9)


def test_an_illegal_action_moves_nothing() -> None:
    env = MallocEnv(PROBLEMS)
    before, info = env.reset(seed=1)
    wrong = int(np.flatnonzero(info["action_mask"] == 0)[0])
    after, reward, over, _, info = env.step(np.int64(wrong))
    assert info["illegal"]
    assert (reward, over) == (0.0, False)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_seed_draws_the_problem() -> None:
    env = MallocEnv(PROBLEMS)
    values = [env.reset(seed=seed)[1]["value"] for seed in range(8)]
    assert values == [env.reset(seed=seed)[1]["value"] for seed in range(8)]
    assert len(set(values)) == 2


def test_a_line_says_what_is_to_be_decided() -> None:
    env = MallocEnv(PROBLEMS, render_mode="ansi")
    env.reset(seed=0)
    assert str(env.render()).startswith("step ")


def test_no_problems_are_refused() -> None:
    with pytest.raises(InputError, match="without problems"):
        MallocEnv([])
