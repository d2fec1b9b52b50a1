"""Parts of the learner: bins, replay, weights, a mesh of devices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cosmalloc.rl_agent.learner import Learning, devices, learn, new_learner
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.network_file import read_network, write_network
from cosmalloc.rl_agent.replay import Episode, Replay, Sampling
from cosmalloc.rl_agent.values import Bins, expected, squash, stretch, two_hot
from tests.agent_games import SIZES, graphs

pytestmark = pytest.mark.usefixtures("quick_compilation")

LEARNING = Learning(rate=3e-3, warmup=10)
SAMPLING = Sampling(batch=32, programs=4, unroll=2, steps=6)


def distance(first: object, second: object) -> float:
    """The largest difference between two numbers that stand at one place."""
    one, two = (jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (first, second))
    return max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))


def test_two_bins_share_a_number_and_give_it_back() -> None:
    numbers = np.array([-80.0, -1.0, 0.0, 0.3, 7.0, 90.0], np.float32)
    assert np.allclose(stretch(squash(numbers)), numbers, rtol=1e-3, atol=1e-3)
    spread = two_hot(numbers, Bins())
    assert np.allclose(spread.sum(-1), 1)
    assert ((np.asarray(spread) > 1e-6).sum(-1) <= 2).all()
    assert two_hot(np.array([1e9]), Bins())[0, -1] == 1
    known = jnp.log(two_hot(numbers[2:3], Bins()) + 1e-30)
    assert abs(float(expected(known, Bins())[0])) < 1e-4


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    network = Network(replace(SIZES, rounds=0), jax.random.key(3))
    write_network(tmp_path / "w.safetensors", network, {"game": "1"})
    again, facts = read_network(tmp_path / "w.safetensors")
    assert distance(network, again) == 0
    assert again.sizes == network.sizes
    assert facts["game"] == "1"


def game_of(rewards: list[float]) -> Episode:
    """A game of these rewards; the board shows the reward of its move; values are 7."""
    length = len(rewards)
    row = np.array(rewards, np.float32)
    return Episode(
        0,
        np.broadcast_to(row[:, None, None, None], (length, 4, 4, 1)).astype(np.float16),
        np.zeros((length, 5), np.float16),
        np.zeros(length, np.int32),
        np.ones((length, 3), bool),
        np.zeros(length, np.int32),
        row,
        np.full((length, 3), 1 / 3, np.float32),
        np.full(length, 7, np.float32),
    )


def test_returns_count_what_is_left_of_the_game_and_no_more() -> None:
    how = Sampling(batch=16, programs=1, unroll=3, steps=2, discount=0.5, alpha=0.0)
    replay = Replay(8)
    replay.add(game_of([0, 1, 2, 3, 4]))
    replay.add(game_of([100, 101, 102, 103, 104]))  # lies over the first one's start
    batch = replay.sample(np.random.default_rng(0), how)
    for row in range(16):
        start = float(batch.board[row, 0, 0, 0])
        left = int(5 - start % 100)
        assert batch.inside[row].tolist() == [float(k < left) for k in range(4)]
        assert batch.rewards[row].tolist() == [(start + k) * (k < left) for k in range(3)]
        value = start + 0.5 * (start + 1) * (left > 1) + 0.25 * 7 * (left > 2)
        assert batch.values[row, 0] == pytest.approx(value)


def test_a_mesh_of_devices_learns_the_same() -> None:
    replay = Replay(100)
    replay.add(game_of(list(range(20))))
    batch = replay.sample(np.random.default_rng(0), SAMPLING)
    learner = new_learner(Network(SIZES, jax.random.key(0)), LEARNING)
    alone, _ = learn(learner, graphs(4), batch, LEARNING)
    spread, _ = learn(learner, graphs(4), batch, LEARNING, devices())
    assert distance(alone.network, spread.network) < 1e-6
