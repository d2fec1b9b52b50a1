"""The network: what a position looks like, what a move does to it, what to play, what it is worth.

    graph       embeds a program once: rounds of messages along its edges, both ways
    represent   h = f(board, features, embedding of the operator and of the program)
    advance     h', r = g(h, move)            MuZero's model, for search without the game
    predict     logits, v = p(h)

r and v are logits over bins (values.py). Everything is batched, shapes are in the names:
B positions, G programs, N nodes, E edges, A moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from numpy.typing import NDArray

from cosmalloc.rl_agent.values import Bins

AnyArray = Array | NDArray[Any]  # on a device, or on its way there


@dataclass(frozen=True, slots=True)
class Sizes:
    """moves: A. board: steps, addresses, channels. features: of a position beside the board.
    nodes, links, whole: features of a graph's nodes, edges, and of itself. embedding: of a node.
    rounds: of messages, 0 for a network that sees no graph. hidden: of a position. blocks: of
    `represent` and of `advance`. patch: the board is read in squares of so many steps and
    addresses.
    """

    moves: int
    board: tuple[int, int, int]
    features: int
    nodes: int
    links: int
    whole: int
    embedding: int = 32
    rounds: int = 3
    hidden: int = 128
    blocks: int = 2
    patch: int = 4
    bins: Bins = field(default_factory=Bins)


class Graphs(NamedTuple):
    """Programs, padded to one shape.

    nodes: float[G, N, F]; real: bool[G, N]; edges: int32[G, E, 2], from and to, N where unused;
    links: float[G, E, L], facts of the edges; whole: float[G, W], facts of the programs.
    """

    nodes: AnyArray
    real: AnyArray
    edges: AnyArray
    links: AnyArray
    whole: AnyArray


class Position(NamedTuple):
    """What the agent sees: board float[B, H, W, C]; features float[B, F]; graph int32[B], which
    program; node int32[B], which of its operators is up."""

    board: AnyArray
    features: AnyArray
    graph: AnyArray
    node: AnyArray


class Prediction(NamedTuple):
    """policy: logits float[B, A]; value: logits float[B, bins]."""

    policy: Array
    value: Array


class Dense(eqx.Module):
    """y = x W + b over the last axis."""

    weight: Array
    bias: Array

    def __init__(self, inputs: int, outputs: int, key: Array, scale: float = 1.0) -> None:
        self.weight = jax.random.normal(key, (inputs, outputs)) * scale * inputs**-0.5
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: AnyArray) -> Array:
        return jnp.asarray(x) @ self.weight + self.bias


class Block(eqx.Module):
    """x + W2 gelu(W1 norm(x)); W2 starts small, so that a new block does little."""

    up: Dense
    down: Dense

    def __init__(self, width: int, key: Array) -> None:
        first, second = jax.random.split(key)
        self.up = Dense(width, width, first)
        self.down = Dense(width, width, second, scale=0.1)

    def __call__(self, x: Array) -> Array:
        return x + self.down(jax.nn.gelu(self.up(norm(x))))


class GraphNet(eqx.Module):
    """Nodes float[N, F] to float[N + 1, D]; row N is the program's mean."""

    first: Dense
    link: Dense
    whole: Dense
    rounds: tuple[Dense, ...]

    def __init__(self, sizes: Sizes, key: Array) -> None:
        keys = jax.random.split(key, sizes.rounds + 3)
        width = sizes.embedding
        self.first = Dense(sizes.nodes, width, keys[0])
        self.link = Dense(sizes.links, width, keys[1])
        self.whole = Dense(sizes.whole, width, keys[2])
        self.rounds = tuple(Dense(3 * width, width, each) for each in keys[3:])

    def __call__(
        self, nodes: AnyArray, real: AnyArray, edges: AnyArray, links: AnyArray, whole: AnyArray
    ) -> Array:
        link = self.link(links)
        start, end = edges[:, 0], edges[:, 1]
        here = jax.nn.gelu(self.first(nodes)) * real[:, None]
        for layer in self.rounds:
            before = _mean_by(here, link, start, end)
            behind = _mean_by(here, link, end, start)
            both = jnp.concatenate([norm(here), before, behind], axis=-1)
            here = here + jax.nn.gelu(layer(both)) * real[:, None]
        mean = here.sum(0) / jnp.maximum(1, real.sum()) + self.whole(whole)
        return jnp.concatenate([here, mean[None]])


def _mean_by(here: Array, link: Array, source: AnyArray, goal: AnyArray) -> Array:
    """Per node the mean over its edges of what they and their other ends say."""
    count = here.shape[0]
    padded = jnp.concatenate([here, jnp.zeros_like(here[:1])])
    total = jnp.zeros_like(padded).at[goal].add(jax.nn.gelu(padded[source] + link))
    edges = jnp.zeros(count + 1).at[goal].add(1.0)
    return (total / jnp.maximum(1.0, edges)[:, None])[:count]


class Represent(eqx.Module):
    """A position to float[B, hidden]."""

    patches: Dense
    board: Dense
    features: Dense
    node: Dense
    program: Dense
    blocks: tuple[Block, ...]
    patch: int = eqx.field(static=True)

    def __init__(self, sizes: Sizes, key: Array) -> None:
        keys = jax.random.split(key, 5 + sizes.blocks)
        steps, addresses, channels = sizes.board
        self.patch = sizes.patch
        squares = (steps // sizes.patch) * (addresses // sizes.patch)
        self.patches = Dense(sizes.patch**2 * channels, 16, keys[0])
        self.board = Dense(16 * squares, sizes.hidden, keys[1])
        self.features = Dense(sizes.features, sizes.hidden, keys[2])
        self.node = Dense(sizes.embedding, sizes.hidden, keys[3])
        self.program = Dense(sizes.embedding, sizes.hidden, keys[4])
        self.blocks = tuple(Block(sizes.hidden, each) for each in keys[5:])

    def __call__(self, position: Position, embedded: Array | None) -> Array:
        squares = jax.nn.gelu(self.patches(_squares(position.board, self.patch)))
        x = self.board(squares.reshape(squares.shape[0], -1)) + self.features(position.features)
        if embedded is not None:
            x += self.node(embedded[position.graph, position.node])
            x += self.program(embedded[position.graph, -1])
        x = jax.nn.gelu(x)
        for block in self.blocks:
            x = block(x)
        return norm(x)


def _squares(board: AnyArray, patch: int) -> Array:
    """float[B, H, W, C] to float[B, H W / patch^2, patch^2 C]."""
    count, steps, addresses, channels = board.shape
    high, wide = steps // patch, addresses // patch
    cut = board.reshape(count, high, patch, wide, patch, channels)
    turned = jnp.asarray(cut).transpose(0, 1, 3, 2, 4, 5)
    return turned.reshape(count, high * wide, patch * patch * channels)


class Network(eqx.Module):
    """All of it."""

    graph: GraphNet
    represent: Represent
    moves: Array  # float[A, hidden], what each move adds
    dynamics: tuple[Block, ...]
    reward: Dense
    policy: Dense
    value: Dense
    sizes: Sizes = eqx.field(static=True)

    def __init__(self, sizes: Sizes, key: Array) -> None:
        keys = jax.random.split(key, 6 + sizes.blocks)
        self.sizes = sizes
        self.graph = GraphNet(sizes, keys[0])
        self.represent = Represent(sizes, keys[1])
        self.moves = jax.random.normal(keys[2], (sizes.moves, sizes.hidden))
        self.dynamics = tuple(Block(sizes.hidden, each) for each in keys[6:])
        self.reward = Dense(sizes.hidden, sizes.bins.count, keys[3], scale=0.1)
        self.policy = Dense(sizes.hidden, sizes.moves, keys[4], scale=0.1)
        self.value = Dense(sizes.hidden, sizes.bins.count, keys[5], scale=0.1)

    def embed(self, graphs: Graphs) -> Array | None:
        """float[G, N + 1, D], or None for a network that sees no graph."""
        if self.sizes.rounds == 0:
            return None
        return jax.vmap(self.graph)(*graphs)

    def hidden(self, position: Position, embedded: Array | None) -> Array:
        """float[B, hidden]."""
        return self.represent(position, embedded)

    def predict(self, hidden: Array) -> Prediction:
        """What to play in these positions and what they are worth."""
        return Prediction(self.policy(hidden), self.value(hidden))

    def advance(self, hidden: Array, moves: AnyArray) -> tuple[Array, Array]:
        """The positions behind these moves, int32[B], and logits float[B, bins] of the rewards."""
        x = hidden + self.moves[moves]
        for block in self.dynamics:
            x = block(x)
        x = norm(x)
        return x, self.reward(x)


def norm(x: Array) -> Array:
    """Mean 0, variance 1 over the last axis."""
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6)


def parameters(network: Network) -> int:
    """How many numbers are learned."""
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array)))
