"""Self-play by several actors: whose games, in which order, and what happens when one dies."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from cosmalloc.errors import InputError
from cosmalloc.ray_door import joined
from cosmalloc.rl_agent.actor import Playing
from cosmalloc.rl_agent.actors import Actors, Here, Terms, actors_of
from cosmalloc.rl_agent.checkpoint import read_checkpoint
from cosmalloc.rl_agent.game import GAME_VERSION
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.ray_actors import LIVES, Cluster, RayActors, cluster_of, on_ray
from cosmalloc.rl_agent.replay import Episode
from cosmalloc.rl_agent.train import Training, train
from tests.agent_games import SIZES, SignGround
from tests.command import cosmalloc
from tests.fake_ray import FakeRay
from tests.test_agent_learning import LEARNING, SAMPLING, SignSchool, distance

TERMS = Terms(SignGround(), Playing("policy"), seed=7)
GAMES = 16  # of a ground of signs


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """JAX compiles without optimisations."""
    jax.config.update("jax_disable_most_optimizations", True)  # type: ignore[no-untyped-call]
    yield
    jax.config.update("jax_disable_most_optimizations", False)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(SIZES, jax.random.key(1))


def team(ray: FakeRay, count: int, said: list[str] | None = None) -> RayActors:
    return RayActors(ray, TERMS, count, (said if said is not None else []).append)


def same(one: list[Episode], other: list[Episode]) -> bool:
    """Field by field, kinds of numbers included."""
    pairs = [
        pair
        for first, then in zip(one, other, strict=True)
        for pair in zip(first, then, strict=True)
    ]
    return all(
        np.array_equal(a, b) and np.asarray(a).dtype == np.asarray(b).dtype for a, b in pairs
    )


def test_one_actor_plays_what_this_process_plays(network: Network) -> None:
    (here,) = Here(TERMS).play(network, 3)
    (there,) = team(FakeRay(), 1).play(network, 3)
    assert same(here.episodes, there.episodes)
    assert (here.games, here.score) == (there.games, there.score) == (GAMES, there.score)


def test_hands_come_in_the_order_of_the_actors(network: Network) -> None:
    first, second = team(FakeRay(), 2).play(network, 3)
    assert not same(first.episodes, second.episodes)
    for actor, hand in enumerate((first, second)):
        assert same(hand.episodes, TERMS.hand(network, 3, actor).episodes)


def test_rounds_and_seeds_are_different_games(network: Network) -> None:
    games = [
        TERMS.hand(network, 3, 0),
        TERMS.hand(network, 4, 0),
        replace(TERMS, seed=8).hand(network, 3, 0),
    ]
    assert not same(games[0].episodes, games[1].episodes)
    assert not same(games[0].episodes, games[2].episodes)


def test_weights_travel_once_a_round_as_arrays(network: Network) -> None:
    ray = FakeRay()
    actors = team(ray, 2)
    before = len(ray.held)
    actors.play(network, 0)
    (weights,) = ray.held[before:]
    assert {type(each) for each in weights.values()} == {np.ndarray}


def test_an_actor_that_dies_is_started_again_and_plays_its_games_again(network: Network) -> None:
    said: list[str] = []
    ray = FakeRay(deaths={1: LIVES - 1})
    actors = team(ray, 2, said)
    hands, whole = actors.play(network, 3), team(FakeRay(), 2).play(network, 3)
    assert all(same(a.episodes, b.episodes) for a, b in zip(hands, whole, strict=True))
    sentence = "actor 1 died in round 4: it is started again and plays its games again"
    assert said == [sentence] * (LIVES - 1)
    assert len(ray.alive) == 2
    actors.close()
    assert ray.alive == []


HOW = Training(0, 0, 2, 1, 500, 0, 0.0, Playing("policy"), SAMPLING, LEARNING)


def trained(folder: Path, rounds: int, actors: Actors | None) -> Network:
    return train(
        SignSchool(), folder, SIZES, HOW, seconds=600, rounds=rounds, seed=7, actors=actors
    )


def test_a_run_goes_on_with_another_number_of_actors(tmp_path: Path) -> None:
    ends = []
    for name in ("once", "twice"):
        trained(tmp_path / name, 1, None)
        trained(tmp_path / name, 2, team(FakeRay(), 2))
        ends.append(trained(tmp_path / name, 3, team(FakeRay(), 1)))
        rows = csv.DictReader((tmp_path / name / "metrics.csv").read_text().splitlines())
        assert [float(row["games"]) for row in rows] == [GAMES, 3 * GAMES, 4 * GAMES]
    assert distance(*ends) == 0


def test_a_run_with_one_actor_is_the_run_without(tmp_path: Path) -> None:
    alone = trained(tmp_path / "here", 2, None)
    assert distance(alone, trained(tmp_path / "ray", 2, team(FakeRay(), 1))) == 0


def test_an_actor_that_dies_again_and_again_ends_the_run_in_a_sentence(tmp_path: Path) -> None:
    trained(tmp_path, 1, None)
    with pytest.raises(InputError, match=f"actor 0 died {LIVES} times in round 2"):
        trained(tmp_path, 2, team(FakeRay(deaths={0: 99}), 1))
    assert read_checkpoint(tmp_path, LEARNING).counters["round"] == 1


def test_a_lost_link_ends_the_run_in_a_sentence_and_the_run_goes_on(tmp_path: Path) -> None:
    ray = FakeRay()
    actors = team(ray, 2)
    trained(tmp_path, 1, actors)
    ray.cut = True
    with pytest.raises(InputError, match="link to the Ray cluster was lost in round 2: the chan"):
        trained(tmp_path, 2, actors)
    actors.close()
    trained(tmp_path, 2, team(FakeRay(), 2))
    assert read_checkpoint(tmp_path, LEARNING).counters["round"] == 2


def test_an_actor_of_another_version_refuses(network: Network) -> None:
    actors = team(FakeRay(), 1)
    actor = actors._actors[0]
    ask = actor.hand.remote
    actor.hand.remote = lambda *words: ask(*words[:3], words[3] + 1)
    with pytest.raises(InputError, match=f"version {GAME_VERSION} of the game, the learner"):
        actors.play(network, 0)


def pressed_after(asked: int) -> Callable[[], bool]:
    """Ctrl-C, after so many looks for it."""
    looks = iter(range(asked))
    return lambda: next(looks, None) is None


def test_ctrl_c_between_two_moves_ends_the_run_as_if_the_round_had_not_begun(
    tmp_path: Path,
) -> None:
    words = (SignSchool(), tmp_path / "run", SIZES, HOW)
    train(*words, seconds=600, seed=7, stop=pressed_after(12))  # 6 moves and a look a round
    reached = read_checkpoint(tmp_path / "run", LEARNING).counters
    assert (reached["round"], reached["games"]) == (1, GAMES)
    straight = trained(tmp_path / "straight", 3, None)
    assert distance(straight, trained(tmp_path / "run", 3, None)) == 0


def test_ctrl_c_does_not_wait_for_actors_and_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path, 1, None)
    ray = FakeRay()
    ray.slow = True
    monkeypatch.setitem(sys.modules, "ray", ray)
    with actors_of("2", TERMS, print) as actors:
        words = (SignSchool(), tmp_path, SIZES, HOW)
        train(*words, seconds=600, seed=7, actors=actors, stop=pressed_after(3))
        assert len(ray.alive) == 2
    assert read_checkpoint(tmp_path, LEARNING).counters["round"] == 1
    assert (ray.up, ray.alive) == (False, [])


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("0", "0 actors can't play"),
        ("2000", "2,000 actors can't play"),
        ("-1", "`-1` says nothing about actors"),
        ("two", "`two` says nothing about actors"),
        ("ray://", "`ray://` says nothing about actors"),
    ],
)
def test_words_that_are_no_actors_are_refused(words: str, fact: str) -> None:
    with pytest.raises(InputError) as refused:
        cluster_of(words)
    assert refused.value.fact == fact


def test_a_cluster_is_this_machine_s_or_one_with_an_address(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = FakeRay(processors=2)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with on_ray(cluster_of("2"), TERMS, print) as actors:
        assert (ray.asked["address"], ray.asked["num_cpus"]) == ("local", 2)
        assert len(actors.play(network, 0)) == 2
    with on_ray(cluster_of("ray://there:10001"), TERMS, print) as actors:
        assert ray.asked["address"] == "ray://there:10001"
        assert len(ray.alive) == 2
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    with on_ray(Cluster(1), TERMS, print):
        assert ray.asked["address"] == "elsewhere:6379"
    assert (ray.up, ray.alive) == (False, [])


def test_a_cluster_that_is_too_small_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", FakeRay(processors=2))
    with (
        pytest.raises(InputError, match="3 actors need as many processors, the cluster has 2"),
        on_ray(Cluster(3), TERMS, print),
    ):
        pass


def test_a_cluster_where_nobody_answers_is_an_error() -> None:
    ray = FakeRay(refuses=ConnectionError("no route\nto it"))
    address = "ray://there:10001"
    with (
        pytest.raises(InputError) as refused,
        joined(ray, processors=1, address=address),
    ):
        pass
    assert refused.value.fact == "no Ray cluster answers at ray://there:10001: no route"
    assert "ray start --head" in refused.value.hint


def test_a_cluster_that_was_there_stays() -> None:
    ray = FakeRay()
    ray.init()
    with joined(ray, processors=1):
        assert ray.asked == {}
    assert ray.up


def test_actors_without_ray_are_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = cosmalloc("agent", "train", tmp_path / "run", "model.json", "--actors", 2)
    assert done.code == 2
    assert "`--actors` needs Ray" in done.err
    assert "pip install 'cosmalloc[ray]'" in done.err
    assert not (tmp_path / "run").exists()
