"""Actors on Ray: processes of this machine or of a cluster that play while the learner waits.

Each round the learner puts the weights, as arrays, where all actors read them, and collects the
hands in the order of the actors. An actor that died is started again and plays its hand again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.ray_door import joined, ray_module
from cosmalloc.rl_agent.actors import Hand, Say, Stop, Terms, never
from cosmalloc.rl_agent.game import GAME_VERSION
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.network_file import blank_network, filled, sizes_from, sizes_json
from cosmalloc.tree_file import Arrays, arrays_of

MOST = 1024  # actors
LIVES = 3  # of one actor in one round
POLL = 0.5  # seconds between two looks at `stop`


@dataclass(frozen=True)
class Cluster:
    """count: actors, None for as many as the cluster has processors. address: of the cluster, None
    for that of RAY_ADDRESS, or else for this machine."""

    count: int | None = None
    address: str | None = None


def cluster_of(words: str) -> Cluster:
    """`N` or `ray://host:port`. Raises InputError, also where Ray is not installed."""
    found = Cluster(address=words)
    if not words.startswith("ray://") or words == "ray://":
        if not words.isdecimal():
            raise InputError(
                f"`{words}` says nothing about actors", "give a number, or ray://host:port"
            )
        if not 1 <= int(words) <= MOST:
            raise InputError(f"{int(words):,} actors can't play", f"give 1 to {MOST}")
        found = Cluster(count=int(words))
    ray_module("`--actors`", "leave it away: games are played in this process then")
    return found


@contextmanager
def on_ray(cluster: Cluster, terms: Terms, say: Say) -> Iterator[RayActors]:
    """Actors of a cluster, gone at the end. Raises InputError."""
    ray = ray_module("`--actors`", "leave it away: games are played in this process then")
    with joined(ray, processors=cluster.count or 1, address=cluster.address):
        processors = int(ray.cluster_resources().get("CPU", 0))
        count = cluster.count or min(processors, MOST)
        if not 1 <= count <= processors:
            raise InputError(
                f"{max(1, count)} actors need as many processors, the cluster has {processors}",
                "give fewer, or a larger cluster",
            )
        actors = RayActors(ray, terms, count, say)
        try:
            yield actors
        finally:
            actors.close()


class RayActors:
    """See Actors."""

    def __init__(self, ray: Any, terms: Terms, count: int, say: Say) -> None:
        """ray: the module, joined to a cluster."""
        self._ray, self._say = ray, say
        self._remote = ray.remote(num_cpus=1)(_Actor)
        self._terms = ray.put(terms)
        self._actors = [self._start(actor) for actor in range(count)]
        gone = ray.exceptions
        self._lost = (
            gone.RayActorError,
            gone.WorkerCrashedError,
            gone.OutOfMemoryError,
            gone.ObjectLostError,
        )

    def play(self, network: Network, number: int, stop: Stop = never) -> list[Hand] | None:
        try:
            return self._hands(network, number, stop)
        except ConnectionError as error:
            raise InputError(
                f"the link to the Ray cluster was lost in round {number + 1}: {error}",
                "the run is saved up to its last checkpoint; the same command goes on with it",
            ) from None

    def _hands(self, network: Network, number: int, stop: Stop) -> list[Hand] | None:
        weights = self._ray.put(arrays_of(network))
        sizes = sizes_json(network.sizes)

        def ask(actor: int) -> Any:
            return self._actors[actor].hand.remote(sizes, weights, number, GAME_VERSION)

        hands = []
        asked = [ask(actor) for actor in range(len(self._actors))]
        for actor, task in enumerate(asked):
            life = 1
            while True:
                if not self._over(task, stop):
                    return None
                found = self._got(task)
                if found is not None:
                    break
                self._mourn(actor, number, life)
                life += 1
                task = ask(actor)
            hands.append(found)
        return hands

    def close(self) -> None:
        """No actor is left."""
        with suppress(ConnectionError):  # then the cluster ends them itself
            for actor in self._actors:
                self._ray.kill(actor)
        self._actors = []

    def _start(self, actor: int) -> Any:
        return self._remote.remote(self._terms, actor)

    def _mourn(self, actor: int, number: int, life: int) -> None:
        """An actor died in a round, in this life: a new one takes its place. Raises InputError."""
        if life == LIVES:
            raise InputError(
                f"actor {actor} died {LIVES} times in round {number + 1}",
                "Ray's logs say why (often memory); the same command goes on with the run, with"
                " fewer actors or none, too",
            )
        self._say(
            f"actor {actor} died in round {number + 1}: it is started again and plays its games"
            " again"
        )
        self._ray.kill(self._actors[actor])  # it may only be out of reach
        self._actors[actor] = self._start(actor)

    def _over(self, task: Any, stop: Stop) -> bool:
        """Waits for a task to end, well or not; False if `stop` said so before."""
        while not self._ray.wait([task], timeout=POLL)[0]:
            if stop():
                return False
        return True

    def _got(self, task: Any) -> Hand | None:
        """What a task gives; None where its actor died."""
        try:
            found: Hand = self._ray.get(task)
        except self._lost:
            return None
        return found


class _Actor:
    """An actor in a process of its own; it leaves the accelerators to the learner."""

    def __init__(self, terms: Terms, actor: int) -> None:
        import jax

        jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]
        self._terms, self._actor = terms, actor
        self._blank: Network | None = None

    def hand(self, sizes: str, weights: Arrays, number: int, version: int) -> Hand:
        """The games of a round. sizes: of the network whose weights these are; version: of the
        learner's game. InputError where this process plays another."""
        if version != GAME_VERSION:
            raise InputError(
                f"an actor plays version {GAME_VERSION} of the game, the learner {version}",
                "install the same cosmalloc on all machines of the cluster",
            )
        if self._blank is None:
            self._blank = blank_network(sizes_from(sizes))
        hand = self._terms.hand(filled(self._blank, weights), number, self._actor)
        assert hand is not None  # nobody stops it
        return hand
