"""Gumbel MuZero's search over positions that somebody else makes: here, the game itself.

The rules of Danihelka et al. 2022, for a batch of trees, in numpy. At the root, with Gumbel noise
G and prior logits l, the moves are halved in rounds by

    G(a) + l(a) + s(q(a))        s(q) = (c_visit + max N) c_scale q

and inside, the move is taken that brings the visits nearest to the improved policy:

    argmax  p'(a) - N(a) / (1 + sum N)        p' = softmax(l + s(completed q))

A move never visited is completed by v_mix, the node's value mixed with those of its visited moves
by the prior. q counts in moves' worth and isn't scaled to [0, 1] in its node: where moves differ by
next to nothing, that would blow up the value's errors. `mctx` does the same inside the learned
model (search.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEVER = -1e9  # logit of a move that is not legal


@dataclass(frozen=True, slots=True)
class Gumbel:
    """simulations: at each root. discount: of what lies behind a move. scale: of the noise, 0 for
    the best move. c_visit, c_scale: see s."""

    simulations: int = 8
    discount: float = 0.99
    scale: float = 1.0
    c_visit: float = 50.0
    c_scale: float = 0.1


class Leaf(NamedTuple):
    """What a new node knows. logits: float[B, A], NEVER where not legal; value: float[B]; reward:
    float[B], of the move that led here; done: bool[B]."""

    logits: Floats
    value: Floats
    reward: Floats
    done: NDArray[np.bool_]


class Tree:
    """B trees of up to `simulations` + 1 nodes; node 0 is the root."""

    def __init__(self, root: Leaf, how: Gumbel, rng: np.random.Generator) -> None:
        count, moves = root.logits.shape
        nodes = how.simulations + 1
        self._how = how
        self._rows = np.arange(count)
        self._child = np.full((count, nodes, moves), -1, np.int64)
        self._parent = np.full((count, nodes), -1, np.int64)
        self._by = np.full((count, nodes), -1, np.int64)  # the move that led here
        self._logits = np.full((count, nodes, moves), NEVER)
        self._value = np.zeros((count, nodes))
        self._reward = np.zeros((count, nodes))
        self._done = np.zeros((count, nodes), bool)
        self._visits = np.zeros((count, nodes, moves))
        self._total = np.zeros((count, nodes, moves))  # sum of q
        self._size = 1
        noise = rng.gumbel(size=(count, moves)) * how.scale
        self._noise = np.where(root.logits > NEVER / 2, noise, NEVER)
        self._plan = [halving(k, how.simulations) for k in range(moves + 1)]
        self._keep(0, root)

    def leaves(self) -> tuple[Ints, Ints]:
        """Where each tree grows next: a node and a move, int[B]. A node that ends a game is met
        again and again: its move is -1."""
        node = np.zeros(len(self._rows), np.int64)
        move = self._at_root()
        while True:
            there = self._child[self._rows, node, move]
            go = (there >= 0) & (move >= 0)
            if not go.any():
                return node, np.where(self._done[self._rows, node], -1, move)
            node = np.where(go, there, node)
            inner = np.where(self._done[self._rows, node], -1, self._inside(node))
            move = np.where(go, inner, move)

    def grow(self, node: Ints, move: Ints, leaf: Leaf) -> None:
        """The leaves found by `leaves`, with what lies behind their moves."""
        new = self._size
        self._size += 1
        fresh = move >= 0
        at = self._rows[fresh]
        self._child[at, node[fresh], move[fresh]] = new
        self._parent[at, new], self._by[at, new] = node[fresh], move[fresh]
        self._keep(new, leaf)
        here = np.where(fresh, new, node)
        value = np.where(self._done[self._rows, here], 0.0, self._value[self._rows, here])
        self._backward(here, value)

    def answer(self) -> tuple[Ints, Floats, Floats]:
        """The moves int[B], the improved policy float[B, A], the root's value float[B]."""
        root = np.zeros(len(self._rows), np.int64)
        bonus = self._bonus(root)
        visits = self._visits[:, 0]
        score = np.where(
            visits == visits.max(-1, keepdims=True), self._noise + self._logits[:, 0] + bonus, -1e30
        )
        policy = softmax(self._logits[:, 0] + bonus)
        total = (self._total[:, 0].sum(-1) + self._value[:, 0]) / (visits.sum(-1) + 1)
        return score.argmax(-1), policy, total

    def _keep(self, at: int, leaf: Leaf) -> None:
        self._logits[:, at] = leaf.logits
        self._value[:, at] = leaf.value
        self._reward[:, at] = leaf.reward
        self._done[:, at] = leaf.done

    def _at_root(self) -> Ints:
        """The next move of the halving."""
        visits = self._visits[:, 0]
        legal = (self._logits[:, 0] > NEVER / 2).sum(-1)
        done = int(self._size - 1)
        wanted = np.array([self._plan[k][done] for k in legal])
        score = self._noise + self._logits[:, 0] + self._bonus(np.zeros_like(self._rows))
        score = np.where(visits == wanted[:, None], score, -1e30)
        return np.asarray(np.where(self._done[:, 0], -1, score.argmax(-1)))

    def _inside(self, node: Ints) -> Ints:
        visits = self._visits[self._rows, node]
        logits = self._logits[self._rows, node]
        policy = softmax(logits + self._bonus(node))
        gain = policy - visits / (1 + visits.sum(-1, keepdims=True))
        return np.asarray(np.where(logits > NEVER / 2, gain, -1e30).argmax(-1))

    def _bonus(self, node: Ints) -> Floats:
        """s(completed q), float[B, A]."""
        how = self._how
        visits, total = self._visits[self._rows, node], self._total[self._rows, node]
        seen = visits > 0
        q = total / np.maximum(1, visits)
        prior = softmax(self._logits[self._rows, node])
        known = np.where(seen, prior, 0.0)
        mixed = (known * q).sum(-1) / np.maximum(1e-12, known.sum(-1))
        count = visits.sum(-1)
        value = self._value[self._rows, node]
        v_mix = np.where(count > 0, (value + count * mixed) / (1 + count), value)
        q = np.where(seen, q, v_mix[:, None])
        legal = self._logits[self._rows, node] > NEVER / 2
        pull = (how.c_visit + visits.max(-1, keepdims=True)) * how.c_scale
        return np.where(legal, pull * (q - v_mix[:, None]), 0.0)

    def _backward(self, node: Ints, value: Floats) -> None:
        """q of every move on the way back is reward + discount value behind it."""
        node, value = node.copy(), value.copy()
        going = node > 0
        while going.any():
            at = self._rows[going]
            here = node[going]
            up, by = self._parent[at, here], self._by[at, here]
            value[going] = self._reward[at, here] + self._how.discount * value[going]
            self._visits[at, up, by] += 1
            self._total[at, up, by] += value[going]
            node[going] = up
            going = node > 0


def halving(moves: int, simulations: int) -> list[int]:
    """For each simulation, how often the move to take was visited so far: all `moves` get their
    share, the better half gets it again, and so on."""
    if moves <= 1:
        return list(range(simulations))
    rounds = max(1, math.ceil(math.log2(moves)))
    wanted: list[int] = []
    visits = [0] * moves
    left = moves
    while len(wanted) < simulations:
        for _ in range(max(1, simulations // (rounds * left))):
            wanted += visits[:left]
            visits[:left] = [each + 1 for each in visits[:left]]
        left = max(2, left // 2)
    return wanted[:simulations]


def softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    power = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(power / power.sum(-1, keepdims=True))
