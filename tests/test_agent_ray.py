"""Actors in processes of Ray's own; test_agent_actors.py says the rest, with Ray played."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest

from cosmalloc.rl_agent.actor import Playing
from cosmalloc.rl_agent.actors import Here, Terms
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.ray_actors import Cluster, RayActors, on_ray
from tests.agent_games import SIZES, SignGround
from tests.test_agent_actors import same

ray: Any = pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [
    pytest.mark.usefixtures("quick_compilation"),
    pytest.mark.filterwarnings("ignore"),  # of Ray's own
]
ROOT = Path(__file__).parent.parent
TERMS = Terms(SignGround(), Playing("policy"), seed=7)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def actors(said: list[str]) -> Iterator[RayActors]:
    """Two, on two processors of this machine; they compile as quickly as we do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
        with on_ray(Cluster(2), TERMS, said.append) as found:
            yield found


@pytest.fixture
def network() -> Network:
    return Network(SIZES, jax.random.key(1))


def test_a_process_that_is_killed_is_replaced_and_nothing_is_lost(
    actors: RayActors, network: Network, said: list[str]
) -> None:
    ray.kill(actors._actors[1])
    hands = actors.play(network, 4)
    sentence = "actor 1 died in round 5: it is started again and plays its games again"
    assert said == [sentence]
    for actor, hand in enumerate(hands):
        assert same(hand.episodes, TERMS.hand(network, 4, actor).episodes)


def test_actors_of_ray_play_the_games_of_this_process(
    actors: RayActors, network: Network, said: list[str]
) -> None:
    hands = actors.play(network, 3)
    (here,) = Here(TERMS).play(network, 3)
    assert same(hands[0].episodes, here.episodes)
    assert hands[0].score == here.score
    assert not same(hands[1].episodes, here.episodes)
    assert len(said) == 1
