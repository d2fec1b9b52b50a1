"""The training loop: play, remember, learn; and go on where it was killed.

A round is

    1. games: the school's teachers' (the first `lessons` rounds), then the agent's own as well
    2. reanalyse: old positions are searched once more with the network of today
    3. `updates` steps of the learner
    4. a row of metrics; from time to time an examination and a checkpoint

Only the clock decides when it ends and how often it saves, never what it learns: the same school,
settings and seed give the same network after the same rounds, killed in between or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import jax
import numpy as np

from cosmalloc.rl_agent.actor import Brain, Playing
from cosmalloc.rl_agent.actors import Actors, Hand, Here, Stop, Terms, never
from cosmalloc.rl_agent.checkpoint import NAME, Checkpoint, read_checkpoint, write_checkpoint
from cosmalloc.rl_agent.ground import Ground
from cosmalloc.rl_agent.learner import Learner, Learning, Losses, devices, learn, new_learner
from cosmalloc.rl_agent.metrics import Metrics
from cosmalloc.rl_agent.network import Network, Position, Sizes
from cosmalloc.rl_agent.network_file import write_network
from cosmalloc.rl_agent.replay import Episode, Replay, Sampling
from cosmalloc.rl_agent.search import model_search
from cosmalloc.rl_agent.tensorboard import Board

Progress = Callable[[str, float], None]
BEST = "best.safetensors"  # the network that did best on the school's checks


class School(Protocol):
    """Where the programs come from."""

    @property
    def ground(self) -> Ground:
        """The programs of training."""

    def lessons(self, rng: np.random.Generator) -> list[Episode]:
        """Games that a teacher has played."""

    def examine(self, network: Network) -> Mapping[str, float]:
        """How the network does on programs that it is not trained on."""


@dataclass(frozen=True)
class Training:
    """How to train.

    lessons: rounds of teachers' games alone. taught: later, every so many rounds come with such
    games, 0 for never. updates: steps of the learner in a round. reanalysed: batches in a round.
    capacity: positions of the replay. examine: after the first round and every so many. save:
    seconds between checkpoints.
    """

    lessons: int = 20
    taught: int = 2
    updates: int = 32
    reanalysed: int = 1
    capacity: int = 60_000
    examine: int = 20
    save: float = 120.0
    playing: Playing = field(default_factory=lambda: Playing("model"))
    sampling: Sampling = field(default_factory=Sampling)
    learning: Learning = field(default_factory=Learning)


@dataclass
class _Run:
    """A run as it stands."""

    learner: Learner
    replay: Replay
    rng: np.random.Generator
    counters: dict[str, float]


def train(
    school: School,
    folder: str | Path,
    sizes: Sizes,
    how: Training,
    *,
    seconds: float,
    rounds: int | None = None,
    seed: int = 0,
    facts: Mapping[str, str] | None = None,
    actors: Actors | None = None,
    progress: Progress | None = None,
    stop: Stop = never,
) -> Network:
    """Trains until the time, the rounds or `stop` end it; what is in `folder` goes on.

    facts: words kept in the checkpoint. actors: who plays on the school's ground, None for one in
    this process; a run may go on with others. Raises InputError for a checkpoint that can't go on,
    and where actors die again and again.
    """
    team = actors or Here(Terms(school.ground, how.playing, seed))
    began = saved = time.monotonic()
    run = _begin(folder, sizes, how, seed)
    metrics = Metrics(folder, int(run.counters["round"]))
    board = Board(folder, int(run.counters["round"]))
    while not stop() and time.monotonic() - began < seconds:
        if rounds is not None and run.counters["round"] >= rounds:
            break
        before = time.monotonic()
        row = _round(school, team, run, how, stop)
        if row is None:
            break
        run.counters["seconds"] += time.monotonic() - before
        metrics.add({**run.counters, **row})
        board.add({**run.counters, **row})
        if row.get("check", np.inf) < run.counters["best"]:
            run.counters["best"] = row["check"]
            write_network(Path(folder) / BEST, run.learner.network, facts or {})
        if progress is not None:
            words = " ".join(f"{name} {value:.4g}" for name, value in row.items())
            gone = (time.monotonic() - began) / seconds
            progress(f"round {run.counters['round']:.0f}: {words}", min(1.0, gone))
        if time.monotonic() - saved > how.save:
            _save(folder, run, facts)
            saved = time.monotonic()
    _save(folder, run, facts)
    board.close()
    return run.learner.network


def _begin(folder: str | Path, sizes: Sizes, how: Training, seed: int) -> _Run:
    Path(folder).mkdir(parents=True, exist_ok=True)
    if (Path(folder) / NAME).exists():
        found = read_checkpoint(folder, how.learning)
        return _Run(found.learner, found.replay, found.rng, found.counters)
    learner = new_learner(Network(sizes, jax.random.key(seed)), how.learning)
    counters = {"round": 0.0, "moves": 0.0, "games": 0.0, "seconds": 0.0, "best": np.inf}
    return _Run(learner, Replay(how.capacity), np.random.default_rng(seed), counters)


def _save(folder: str | Path, run: _Run, facts: Mapping[str, str] | None) -> None:
    write_checkpoint(
        folder, Checkpoint(run.learner, run.replay, run.rng, dict(run.counters), dict(facts or {}))
    )


def _round(
    school: School, actors: Actors, run: _Run, how: Training, stop: Stop
) -> dict[str, float] | None:
    """One round; what it was like. None if `stop` ended it in its games, as if it had not begun."""
    number = int(run.counters["round"])
    row: dict[str, float] = {}
    alone = number < how.lessons
    hands = [] if alone else actors.play(run.learner.network, number, stop)
    if hands is None:
        return None
    if alone or (how.taught and number % how.taught == 0):
        for episode in school.lessons(run.rng):
            run.replay.add(episode)
    if not alone:
        row["score"] = _remember(hands, run)
        for _ in range(how.reanalysed):
            _reanalyse(school, run, how)
    losses = _learn(school, run, how)
    for name in ("policy", "value", "reward", "agreement"):
        row[name] = float(np.mean([getattr(each, name) for each in losses]))
    run.counters["round"] += 1
    if how.examine and (number == 0 or (number + 1) % how.examine == 0):
        row |= school.examine(run.learner.network)
    return row


def _remember(hands: Sequence[Hand], run: _Run) -> float:
    """The agent's own games; the mean of their scores, per move."""
    episodes = [episode for hand in hands for episode in hand.episodes]
    for episode in episodes:
        run.replay.add(episode)
    moves = sum(len(episode.moves) for episode in episodes)
    run.counters["moves"] += moves
    run.counters["games"] += sum(hand.games for hand in hands)
    return sum(hand.score for hand in hands) / max(1, moves)


def _reanalyse(school: School, run: _Run, how: Training) -> None:
    """Searches positions played long ago with today's network; teachers' positions, too."""
    batch = run.replay.oldest(run.rng, how.sampling)
    brain = Brain(run.learner.network, school.ground.graphs(batch.programs))
    position = Position(batch.board, batch.features, batch.graph, batch.node)
    found = model_search(
        run.learner.network,
        position,
        brain.embedded,
        batch.legal,
        jax.random.key(int(run.rng.integers(2**31))),
        simulations=how.playing.simulations,
        discount=how.playing.discount,
        gumbel=np.array(1.0, np.float32),
    )
    run.replay.refresh(batch.at, np.asarray(found.policy), np.asarray(found.value))


def _learn(school: School, run: _Run, how: Training) -> list[Losses]:
    """`updates` steps."""
    mesh = devices() if len(jax.devices()) > 1 else None
    made = []
    for _ in range(how.updates):
        batch = run.replay.sample(run.rng, how.sampling)
        graphs = school.ground.graphs(batch.programs)
        run.learner, losses = learn(run.learner, graphs, batch, how.learning, mesh)
        run.replay.reprioritise(batch.at, np.asarray(losses.error))
        made.append(losses)
    return made
