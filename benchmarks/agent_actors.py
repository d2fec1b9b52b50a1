"""How fast games are played for training, by whom, and what their seconds go into.

Programs of the generator, as `agent train` plays them: 32 games side by side, of 8 programs. A row
is some rounds of one way to play after a first round that compiles:

    in this process    one actor, here
    1, 2 on Ray        as many processes of this machine; a round ends with its slowest actor

network: calls of the network, with their arrays' way to the device and back; game: moves, tries
aside and looks; rest: the search tree and the records, all seconds of the actors. sending: what a
round takes beyond its slowest actor: weights out, games back, waking up. Shares of a round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from cosmalloc.rl_agent import actor
from cosmalloc.rl_agent.actor import Mode, Playing
from cosmalloc.rl_agent.actors import Actors, Hand, Stop, Terms, actors_of, never
from cosmalloc.rl_agent.arena import Arena, Bools, Floats, Ints, Look
from cosmalloc.rl_agent.budgets import SHARES
from cosmalloc.rl_agent.curriculum import FAMILIES, TARGET
from cosmalloc.rl_agent.ground import Ground, MappingGround
from cosmalloc.rl_agent.mapping_arena import Rules, links_of
from cosmalloc.rl_agent.network import Graphs, Network
from cosmalloc.rl_agent.observe import bucket
from cosmalloc.rl_agent.programs import random_programs
from cosmalloc.target_file import load_target

WAYS = {"in this process": None, "1 on Ray": "1", "2 on Ray": "2"}
PLAYED: tuple[tuple[Mode, int], ...] = (("policy", 2), ("game", 6))
PROGRAMS, SLOTS, TOGETHER = 48, 32, 8


@dataclass
class Clock:
    """Seconds by name."""

    spent: dict[str, float] = field(default_factory=lambda: {"network": 0.0, "game": 0.0})

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, its seconds counted."""

        def run(*words: Any, **more: Any) -> Any:
            began = time.perf_counter()
            found = work(*words, **more)
            self.spent[name] += time.perf_counter() - began
            return found

        return run


class TimedArena:
    """An arena, its seconds counted."""

    def __init__(self, arena: Arena, clock: Clock) -> None:
        self._arena, self._clock = arena, clock
        self.programs = arena.programs

    def reset(self) -> None:
        self._clock.timed("game", self._arena.reset)()

    def look(self) -> Look:
        seen: Look = self._clock.timed("game", self._arena.look)()
        return seen

    def play(self, moves: Ints) -> tuple[Floats, Bools]:
        done: tuple[Floats, Bools] = self._clock.timed("game", self._arena.play)(moves)
        return done

    def imagine(self, game: Ints, node: Ints, move: Ints, goal: int) -> tuple[Floats, Look]:
        work = self._clock.timed("game", self._arena.imagine)
        there: tuple[Floats, Look] = work(game, node, move, goal)
        return there


@dataclass(frozen=True)
class TimedGround:
    """A ground, its arenas' seconds counted."""

    ground: Ground
    clock: Clock

    def graphs(self, programs: Ints) -> Graphs:
        return self.ground.graphs(programs)

    def arena(self, rng: np.random.Generator, spare: int) -> Arena:
        return TimedArena(self.ground.arena(rng, spare), self.clock)


class TimedHand(Hand):
    """A hand and its seconds by name."""

    spent: dict[str, float]


@dataclass(frozen=True)
class TimedTerms(Terms):
    """Terms whose hands know where their seconds went."""

    def hand(
        self, network: Network, number: int, index: int, stop: Stop = never
    ) -> TimedHand | None:
        clock, judge = Clock(), actor.judge

        def judged(*words: Any) -> list[Floats]:
            return [np.asarray(each) for each in judge(*words)]

        timed = Terms(TimedGround(self.ground, clock), self.playing, self.seed)
        with patch.object(actor, "judge", clock.timed("network", judged)):
            hand = timed.hand(network, number, index, stop)
        if hand is None:
            return None
        found = TimedHand(*hand)
        found.spent = clock.spent
        return found


@dataclass(frozen=True)
class Speed:
    """What some rounds came to. Shares are of the rounds' seconds."""

    games_per_second: float
    moves_per_second: float
    network: float
    game: float
    rest: float
    sending: float
    bytes_per_round: float  # of games, back from the actors

    @classmethod
    def of(cls, rounds: list[tuple[float, list[TimedHand]]]) -> Speed:
        """rounds: seconds of each, and its hands."""
        whole = sum(seconds for seconds, _ in rounds)
        slowest = [max(hands, key=lambda hand: hand.seconds) for _, hands in rounds]
        network, game = (sum(hand.spent[name] for hand in slowest) for name in ("network", "game"))
        played = sum(hand.seconds for hand in slowest)
        hands = [hand for _, each in rounds for hand in each]
        episodes = [episode for hand in hands for episode in hand.episodes]
        rows = [np.asarray(each).nbytes for episode in episodes for each in episode]
        return cls(
            sum(hand.games for hand in hands) / whole,
            sum(len(episode.moves) for episode in episodes) / whole,
            network / whole,
            game / whole,
            (played - network - game) / whole,
            (whole - played) / whole,
            sum(rows) / len(rounds),
        )


def ground_of(seed: int) -> MappingGround:
    """Programs as `agent train` has them, without models."""
    target = load_target(TARGET)
    programs = random_programs(PROGRAMS, seed, target=target, families=FAMILIES, shares=SHARES)
    return MappingGround(
        programs,
        Rules(),
        slots=SLOTS,
        together=TOGETHER,
        nodes=max(bucket(len(each.operators)) for each in programs),
        edges=max(bucket(links_of(each)) for each in programs),
    )


def rounds_of(actors: Actors, network: Network, seconds: float) -> list[tuple[float, Any]]:
    """Rounds until the time is over, at least two, after one that compiles and isn't counted."""
    actors.play(network, 0)
    made: list[tuple[float, Any]] = []
    while len(made) < 2 or sum(took for took, _ in made) < seconds:
        began = time.perf_counter()
        hands = actors.play(network, 1 + len(made))
        made.append((time.perf_counter() - began, hands))
    return made


def throughput(network: Network, seconds: float, seed: int) -> Iterator[tuple[Mode, str, Speed]]:
    """Each kind of play in each way. seconds: of each, beside start and compilation."""
    ground = ground_of(seed)
    for mode, simulations in PLAYED:
        terms = TimedTerms(ground, Playing(mode, simulations), seed)
        for name, words in WAYS.items():
            with actors_of(words, terms, print) as actors:
                yield mode, name, Speed.of(rounds_of(actors, network, seconds))
