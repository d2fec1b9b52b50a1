"""Whole games: by the policy alone, by search in the model, by search in the game itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from cosmalloc.rl_agent.arena import Arena, Bools, Floats, Ints, Look
from cosmalloc.rl_agent.network import Graphs, Network, Position
from cosmalloc.rl_agent.replay import Episode
from cosmalloc.rl_agent.search import Searched, model_search
from cosmalloc.rl_agent.tree import NEVER, Gumbel, Leaf, Tree, softmax
from cosmalloc.rl_agent.values import expected

Mode = Literal["policy", "model", "game"]


@dataclass(frozen=True)
class Brain:
    """A network and the programs it plays, embedded once."""

    network: Network
    graphs: Graphs

    @cached_property
    def embedded(self) -> Array | None:
        return _embed(self.network, self.graphs)

    def position(self, look: Look, programs: Ints) -> Position:
        """What the network is given."""
        return Position(
            np.asarray(look.board, np.float32),
            np.asarray(look.features, np.float32),
            np.asarray(programs, np.int32),
            np.asarray(look.node, np.int32),
        )


@eqx.filter_jit
def _embed(network: Network, graphs: Graphs) -> Array | None:
    return network.embed(graphs)


@eqx.filter_jit
def judge(network: Network, position: Position, embedded: Array | None) -> tuple[Array, Array]:
    """Logits of the policy, float[B, A], and values, float[B]."""
    here = network.predict(network.hidden(position, embedded))
    return here.policy, expected(here.value, network.sizes.bins)


@dataclass(frozen=True, slots=True)
class Playing:
    """mode: `policy` plays what the network likes, `model` searches in what it believes, `game` in
    the game itself. temperature: of the policy's moves, rising over the batch from 0 to it, so
    that the first game of each batch is the policy's own; of a search, the scale of the noise.
    """

    mode: Mode = "policy"
    simulations: int = 8
    discount: float = 0.99
    temperature: float = 1.0


class Played(NamedTuple):
    """score: float[B], sum of rewards. moves: int32[T, B], -1 behind a game's end. names: int64
    [T, B], of the turns, where they were asked for. episodes: one a game that had a move, empty
    where nothing was recorded."""

    score: NDArray[np.float64]
    moves: NDArray[np.int32]
    names: NDArray[np.int64]
    episodes: list[Episode]


Decide = Callable[[Look], Searched]


def play(
    arena: Arena,
    decide: Decide,
    *,
    record: bool = False,
    names: Callable[[], Ints] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Played | None:
    """Every game of the arena from its start to its end; None if `stop` said so on the way.

    decide: moves, policy to remember, and value of each game, whether it is over or not. names: of
    the turns at hand.
    """
    arena.reset()
    look = arena.look()
    score = np.zeros(len(arena.programs))
    rows: list[_Row] = []
    turns: list[Ints] = []
    while not look.done.all():
        if stop is not None and stop():
            return None
        if names is not None:
            turns.append(names())
        thought = decide(look)
        moves = np.where(look.done, -1, np.asarray(thought.moves)).astype(np.int32)
        rewards, _ = arena.play(moves)
        score += np.where(look.done, 0.0, rewards)
        rows.append(_Row(look if record else None, moves, rewards, thought))
        look = arena.look()
    shape = (-1, len(score))
    return Played(
        score,
        np.array([row.moves for row in rows], np.int32).reshape(shape),
        np.array(turns, np.int64).reshape(shape),
        _episodes(arena, rows) if record else [],
    )


def player(arena: Arena, brain: Brain, how: Playing, rng: np.random.Generator) -> Decide:
    """The agent as one who decides."""
    return lambda look: think(arena, look, brain, how, rng)


def with_returns(episode: Episode, discount: float) -> Episode:
    """Its values are what its own rewards came to: v_t = r_t + g v_{t+1}."""
    values = np.zeros(len(episode.rewards), np.float32)
    behind = 0.0
    for at in range(len(values) - 1, -1, -1):
        behind = float(episode.rewards[at]) + discount * behind
        values[at] = behind
    return episode._replace(values=values)


def think(
    arena: Arena, look: Look, brain: Brain, how: Playing, rng: np.random.Generator
) -> Searched:
    """Moves for all games, whether they are over or not."""
    if how.mode == "game":
        return _search_game(arena, look, brain, how, rng)
    legal = look.legal | look.done[:, None]
    position = brain.position(look, arena.programs)
    if how.mode == "policy":
        said, value = judge(brain.network, position, brain.embedded)
        logits = np.where(legal, np.asarray(said, np.float64), NEVER)
        heat = np.linspace(0, how.temperature, len(logits))[:, None]
        moves = (logits + heat * rng.gumbel(size=logits.shape)).argmax(-1)
        return Searched(moves, softmax(logits).astype(np.float32), np.asarray(value))
    key = jax.random.key(int(rng.integers(2**31)))
    return model_search(
        brain.network,
        position,
        brain.embedded,
        legal,
        key,
        simulations=how.simulations,
        discount=how.discount,
        gumbel=np.array(how.temperature, np.float32),
    )


def _search_game(
    arena: Arena, look: Look, brain: Brain, how: Playing, rng: np.random.Generator
) -> Searched:
    """Gumbel search whose positions are made by the game."""
    gumbel = Gumbel(how.simulations, how.discount, how.temperature)
    tree = Tree(_leaf(brain, look, arena.programs, np.zeros(len(look.done))), gumbel, rng)
    count = len(look.done)
    for number in range(how.simulations):
        node, move = tree.leaves()
        fresh = np.flatnonzero(move >= 0)
        whole, reward = look, np.zeros(count)
        if len(fresh):
            rewards, there = arena.imagine(fresh, node[fresh], move[fresh], number + 1)
            whole = _scatter(there, look, fresh)
            reward[fresh] = rewards
        tree.grow(node, move, _leaf(brain, whole, arena.programs, reward))
    moves, policy, value = tree.answer()
    return Searched(moves, policy.astype(np.float32), value.astype(np.float32))


def _scatter(part: Look, whole: Look, at: Ints) -> Look:
    """`whole` with the rows of `part` at these places: one shape for the network."""
    made: list[Any] = []
    for new, old in zip(part, whole, strict=True):
        row = old.copy()
        row[at] = new
        made.append(row)
    board, features, node, legal, done = made
    return Look(board, features, node, legal, done)


def _leaf(brain: Brain, look: Look, programs: Ints, reward: Floats) -> Leaf:
    logits, value = judge(brain.network, brain.position(look, programs), brain.embedded)
    legal: Bools = look.legal | look.done[:, None]
    return Leaf(
        np.where(legal, np.asarray(logits, np.float64), NEVER),
        np.asarray(value, np.float64),
        np.asarray(reward, np.float64),
        look.done,
    )


class _Row(NamedTuple):
    """One move of all games."""

    look: Look | None
    moves: NDArray[np.int32]
    rewards: Floats
    thought: Searched


def _episodes(arena: Arena, rows: list[_Row]) -> list[Episode]:
    """The games apart."""
    looks = [row.look for row in rows if row.look is not None]
    policy = [np.asarray(row.thought.policy, np.float32) for row in rows]
    values = [np.asarray(row.thought.value, np.float32) for row in rows]
    episodes = []
    for game, program in enumerate(arena.programs):
        length = sum(not look.done[game] for look in looks)
        episodes.append(
            Episode(
                int(program),
                np.array([look.board[game] for look in looks[:length]], np.float16),
                np.array([look.features[game] for look in looks[:length]], np.float16),
                np.array([look.node[game] for look in looks[:length]], np.int32),
                np.array([look.legal[game] for look in looks[:length]], np.bool_),
                np.array([row.moves[game] for row in rows[:length]], np.int32),
                np.array([row.rewards[game] for row in rows[:length]], np.float32),
                np.array([each[game] for each in policy[:length]], np.float32),
                np.array([each[game] for each in values[:length]], np.float32),
            )
        )
    return [episode for episode in episodes if len(episode.moves)]
