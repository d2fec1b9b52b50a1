"""Those who play a training's games: here, or on Ray (ray_actors.py).

The learner gives each round's network and gets finished games back, actor by actor in their order.
The dice of an actor are those of (seed, round, actor): the same number of actors plays the same
games, wherever they sit and however often they die, and one actor plays what this process plays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from cosmalloc.rl_agent.actor import Brain, Playing, play, player
from cosmalloc.rl_agent.ground import Ground
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.replay import Episode

Say = Callable[[str], None]
Stop = Callable[[], bool]


def never() -> bool:
    """Nobody stops it."""
    return False


class Hand(NamedTuple):
    """Games that one actor has finished in one round.

    episodes: one a game that had a move; `program` counts in the ground's programs. games: played.
    score: sum of all rewards. seconds: that it took.
    """

    episodes: list[Episode]
    games: int
    score: float
    seconds: float


class Actors(Protocol):
    """Whoever plays."""

    def play(self, network: Network, number: int, stop: Stop = never) -> list[Hand] | None:
        """The games of round `number`, one hand for each actor, in their order; None if `stop` said
        so on the way."""


@dataclass(frozen=True)
class Terms:
    """What every actor of a run knows from the start. seed: of the run, at least 0."""

    ground: Ground
    playing: Playing
    seed: int

    def hand(self, network: Network, number: int, actor: int, stop: Stop = never) -> Hand | None:
        """The games of an actor in a round; None if `stop` said so on the way."""
        began = time.perf_counter()
        rng = np.random.default_rng([self.seed, number, actor])
        spare = self.playing.simulations if self.playing.mode == "game" else 0
        arena = self.ground.arena(rng, spare)
        names, place = np.unique(arena.programs, return_inverse=True)
        games = len(arena.programs)
        names = np.resize(names, games)  # one shape, whatever is drawn
        brain = Brain(network, self.ground.graphs(names))
        arena.programs = place.astype(np.int32)  # rows of these graphs
        played = play(arena, player(arena, brain, self.playing, rng), record=True, stop=stop)
        if played is None:
            return None
        episodes = [
            episode._replace(program=int(names[episode.program])) for episode in played.episodes
        ]
        return Hand(episodes, games, float(played.score.sum()), time.perf_counter() - began)


@dataclass(frozen=True)
class Here:
    """One actor, in this process."""

    terms: Terms

    def play(self, network: Network, number: int, stop: Stop = never) -> list[Hand] | None:
        hand = self.terms.hand(network, number, 0, stop)
        return None if hand is None else [hand]


@contextmanager
def actors_of(words: str | None, terms: Terms, say: Say) -> Iterator[Actors]:
    """The actors that `words` ask for: None for this process, else see `cluster_of`.

    say: told of every actor that died. Raises InputError for actors that can't be had.
    """
    if words is None:
        yield Here(terms)
        return
    from cosmalloc.rl_agent.ray_actors import cluster_of, on_ray

    with on_ray(cluster_of(words), terms, say) as actors:
        yield actors
