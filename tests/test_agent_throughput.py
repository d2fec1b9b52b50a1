"""The benchmark of actors: its figures are of the games that were played."""

from __future__ import annotations

import pickle

import jax
import pytest

from benchmarks.agent_actors import Speed, TimedTerms, rounds_of
from cosmalloc.rl_agent.actor import Playing
from cosmalloc.rl_agent.actors import Here, Terms
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.ray_actors import RayActors
from tests.agent_games import SIZES, SignGround
from tests.fake_ray import FakeRay
from tests.test_agent_actors import GAMES, same

pytestmark = pytest.mark.usefixtures("quick_compilation")
TIMED = TimedTerms(SignGround(), Playing("game", simulations=2), seed=7)


def test_watched_games_are_the_games() -> None:
    network = Network(SIZES, jax.random.key(1))
    plain = Terms(TIMED.ground, TIMED.playing, TIMED.seed).hand(network, 3, 0)
    watched = pickle.loads(pickle.dumps(TIMED.hand(network, 3, 0)))  # as Ray sends it
    assert same(watched.episodes, plain.episodes)
    assert 0 < watched.spent["network"] + watched.spent["game"] < watched.seconds


def test_shares_add_up_and_counts_are_of_all_actors() -> None:
    network = Network(SIZES, jax.random.key(1))
    for actors in (Here(TIMED), RayActors(FakeRay(), TIMED, 2, print)):
        rounds = rounds_of(actors, network, 0.0)
        assert len(rounds) == 2
        found = Speed.of(rounds)
        assert found.network + found.game + found.rest + found.sending == pytest.approx(1.0)
        hands = len(rounds[0][1])
        whole = sum(seconds for seconds, _ in rounds)
        assert found.games_per_second * whole == pytest.approx(2 * hands * GAMES)
        assert found.moves_per_second == pytest.approx(6 * found.games_per_second)
