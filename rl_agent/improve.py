"""Better games by small changes: play a good one again, but for a few moves.

Children of the best games so far replay their parent's moves, each but for some that a prior draws
anew, or for how long a tensor stays on chip; the best of all become parents. With the policy's
prior this is local improvement of what the agent has found; with an even prior, from nothing, it is
the evolutionary search that the agent is measured against. Both play whole games of the same arena,
and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmalloc.rl_agent.arena import Bools
from cosmalloc.rl_agent.game import COPY, DROP, NO_COPY
from cosmalloc.rl_agent.script import Line, Links, Replayed, Script, Thread, reordered

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Improving:
    """parents: games kept. whole: chance that a child is changed by stays as well: a tensor is kept
    on chip from one of its uses to another, or off-chip. share: of children's moves drawn anew, at
    most, 0 for none; each child draws its own share, evenly in its logarithm. even:
    chance that a move drawn anew is drawn evenly, whatever the prior says. near: chance that a
    child's changes stand together. reorder: chance that a child's operators run in another order,
    where that is free.
    """

    parents: int = 8
    whole: float = 0.6
    share: float = 0.2
    even: float = 0.2
    near: float = 0.5
    reorder: float = 0.5


def improve(
    arena: Replayed,
    lines: list[Line],
    logits: Doubles,
    how: Improving,
    rng: np.random.Generator,
    stop: Callable[[], bool],
    tell: Callable[[float], None] = lambda _score: None,
) -> tuple[list[Line], int]:
    """The best lines, best first, and how many games were played for them.

    lines: to start from, at least one. logits: float[U, A], the prior. stop: asked after each round
    of games, which is one game in each slot. tell: hears of each better score.
    """
    known = {line.key: line for line in lines}
    parents = sorted(known.values(), key=lambda line: -line.score)[: how.parents]
    games = 0
    while not stop():
        children = _round(arena, parents, logits, how, rng)
        games += len(children)
        best = parents[0].score
        for child in children:
            known[child.key] = child
        parents = sorted(known.values(), key=lambda line: -line.score)[: how.parents]
        known = {line.key: line for line in parents}
        if parents[0].score > best:
            tell(parents[0].score)
    return parents, games


def _round(
    arena: Replayed,
    parents: list[Line],
    logits: Doubles,
    how: Improving,
    rng: np.random.Generator,
) -> list[Line]:
    """One game in each slot."""
    arena.reset()
    legal = arena.legal()
    count = len(legal)
    family = [parents[child % len(parents)] for child in range(count)]
    plan = np.array([line.moves for line in family])
    anew = _changes(count, arena.uses, how, rng)
    fresh = _drawn(logits, count, how, rng)
    plan = np.where(anew, fresh, plan)
    for child in np.flatnonzero(rng.random(count) < how.whole):
        _stays(plan[child], arena.threads, rng)
    script = Script(arena, plan, _orders([line.order for line in family], arena.links, how, rng))
    played = np.full((count, arena.uses), -1, np.int8)
    score = np.zeros(count)
    rows = np.arange(count)
    done = np.zeros(count, bool)
    while not done.all():
        use = arena.use()
        wanted = script.moves(legal)
        if (wanted < 0).any():
            instead = np.where(legal, logits[use], -np.inf).argmax(-1)
            wanted = np.where(wanted >= 0, wanted, instead)
        going = ~done
        rewards, done = arena.play(wanted.astype(np.int32))
        played[rows[going], use[going]] = wanted[going]
        score += np.where(going, rewards, 0.0)
        legal = arena.legal()
    orders = arena.orders() if arena.links is not None else [None] * count
    return [Line(played[row].copy(), float(score[row]), orders[row]) for row in range(count)]


def _orders(
    orders: list[NDArray[np.int64] | None],
    links: Links | None,
    how: Improving,
    rng: np.random.Generator,
) -> list[NDArray[np.int64] | None]:
    """Those of the children: their parents', or one with an operator or a few elsewhere."""
    if links is None or how.reorder == 0:
        return orders
    made = []
    for order in orders:
        if order is not None and rng.random() < how.reorder:
            for _ in range(int(rng.geometric(0.6))):
                order = reordered(order, links, rng)
        made.append(order)
    return made


def _stays(moves: NDArray[np.int8], threads: Sequence[Thread], rng: np.random.Generator) -> None:
    """Changes how some tensors stay, in place: one, seldom more."""
    for _ in range(1 + int(rng.geometric(0.6)) if threads else 0):
        thread = threads[int(rng.integers(len(threads)))]
        first = int(rng.integers(0, len(thread.uses)))
        stop = int(rng.integers(first, len(thread.uses))) + 1
        row = thread.uses[first:stop]
        if rng.random() < 0.4:
            moves[row] = DROP
            continue
        moves[row] = NO_COPY
        if first > 0 or not thread.made:
            moves[row[0]] = COPY


def _changes(count: int, uses: int, how: Improving, rng: np.random.Generator) -> Bools:
    """Which moves are drawn anew, bool[B, U]: scattered, or standing together."""
    if how.share == 0:
        return np.zeros((count, uses), bool)
    most = max(1.0, how.share * uses)
    size = np.exp(rng.uniform(0, np.log(most + 1), count))  # wanted number of changes
    reach = np.where(rng.random(count) < how.near, np.minimum(uses, 4 * size + 4), uses)
    first = rng.integers(0, uses, count)
    away = (np.arange(uses) - first[:, None]) % uses
    chance = np.where(away < reach[:, None], (size / reach)[:, None], 0.0)
    made: Bools = rng.random((count, uses)) < chance
    made[np.arange(count), first] = True
    return made


def _drawn(
    logits: Doubles, count: int, how: Improving, rng: np.random.Generator
) -> NDArray[np.int8]:
    """A move for every use, int8[B, U]."""
    uses, moves = logits.shape
    noise = rng.gumbel(size=(count, uses, moves))
    even = rng.random((count, uses, 1)) < how.even
    score = np.where(even, np.where(logits > -1e8, 0.0, -np.inf), logits) + noise
    return np.asarray(score.argmax(-1), np.int8)
