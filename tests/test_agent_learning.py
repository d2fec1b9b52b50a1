"""Training: it learns, it goes on where it was killed, files are whole."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

from cosmalloc.errors import InputError
from cosmalloc.rl_agent.actor import Brain, Playing, play, player
from cosmalloc.rl_agent.checkpoint import read_checkpoint
from cosmalloc.rl_agent.learner import Learning
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.replay import Episode, Sampling
from cosmalloc.rl_agent.train import Training, train
from tests.agent_games import SIZES, SignGround, Signs, graphs

pytestmark = pytest.mark.usefixtures("quick_compilation")

LEARNING = Learning(rate=3e-3, warmup=10)
SAMPLING = Sampling(batch=32, programs=4, unroll=2, steps=6)


class SignSchool:
    """Teachers of signs."""

    def __init__(self, killed_at: float = math.inf) -> None:
        self.ground = SignGround(killed_at)

    def lessons(self, rng: np.random.Generator) -> list[Episode]:
        arena = Signs(rng.integers(0, 1000, 16).tolist())
        brain = Brain(Network(SIZES, jax.random.key(0)), graphs(1000))
        played = play(arena, player(arena, brain, Playing(), rng), record=True)
        assert played is not None
        right = arena.right
        return [
            each._replace(policy=np.eye(3, dtype=np.float32)[right[game]])
            for game, each in enumerate(played.episodes)
        ]

    def examine(self, network: Network) -> Mapping[str, float]:
        arena = Signs(list(range(1000, 1016)))
        arena.programs = arena.programs % 16
        how = Playing(temperature=0.0)
        brain = Brain(network, graphs(16))
        played = play(arena, player(arena, brain, how, np.random.default_rng(0)))
        assert played is not None
        return {"exam": float(played.score.mean())}


def distance(first: object, second: object) -> float:
    """The largest difference between two numbers that stand at one place."""
    one, two = (jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (first, second))
    return max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))


def test_imitation_teaches_the_right_moves(tmp_path: Path) -> None:
    how = Training(
        lessons=10, updates=10, capacity=2000, examine=10, sampling=SAMPLING, learning=LEARNING
    )
    train(SignSchool(), tmp_path, SIZES, how, seconds=600, rounds=10)
    assert float(rows(tmp_path)[-1]["exam"]) > 5.8


def test_self_play_alone_raises_the_score(tmp_path: Path) -> None:
    playing = Playing("game", simulations=6)
    how = Training(0, 0, 10, 0, 2000, 10, 600, playing, SAMPLING, LEARNING)
    train(SignSchool(), tmp_path, SIZES, how, seconds=600, rounds=10)
    scores = [float(row["score"]) for row in rows(tmp_path)]
    assert float(rows(tmp_path)[-1]["exam"]) > 5.0
    assert scores[-1] > scores[0]


def test_a_run_killed_in_a_round_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    playing = Playing("model", simulations=3)
    how = Training(2, 2, 3, 1, 500, 2, 0.0, playing, SAMPLING, LEARNING)
    straight = train(SignSchool(), tmp_path / "straight", SIZES, how, seconds=600, rounds=6)
    with pytest.raises(KeyboardInterrupt):
        train(SignSchool(killed_at=14), tmp_path / "killed", SIZES, how, seconds=600, rounds=6)
    reached = read_checkpoint(tmp_path / "killed", how.learning).counters["round"]
    assert 0 < reached < 6
    again = train(SignSchool(), tmp_path / "killed", SIZES, how, seconds=600, rounds=6)
    assert distance(straight, again) == 0
    both = [rows(tmp_path / name) for name in ("straight", "killed")]
    for row in (*both[0], *both[1]):
        del row["seconds"]
    assert both[0] == both[1]


def test_a_damaged_checkpoint_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="is no safetensors file"):
        read_checkpoint(tmp_path, LEARNING)
