"""The network: what each operation of a kernel costs beside its neighbours, and their sum.

With a kernel's operations i, their roofline seconds r_i and what the network learned d_i, s:

    seconds = (launch + sum over i of r_i exp(d_i)) exp(s)
    r_i = flops / F + transcendentals / T + bytes / B

so that an untrained network is a roofline, and a fused operation, whose bytes never leave the
registers, is one with a small exp(d_i). d_i comes from rounds of message passing over the data-flow
graph, with a summary of the whole kernel in each round.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.batches import Batch
from cosmalloc.cost_model.features import details
from cosmalloc.cost_model.features.graph import WIDTH
from cosmalloc.cost_model.features.words import ARGUMENT, KINDS, TYPES, kind_index
from cosmalloc.cost_model.makeup import makeup

ARCHITECTURE = 3  # moves when weights of an older one no longer fit
WHOLE = 7  # of `KernelGraph.whole`
RATES = (5e10, 1e9, 1e10)  # F, T, B: what a core of the last years does, per second
LAUNCH = 3e-6
_CONVOLUTION = kind_index("stablehlo.convolution")
_PRODUCT = kind_index("stablehlo.dot_general")
_NEVER = -1e9
_REACH = 8.0  # |d_i| and |s| stay below it: a factor of 3,000


class Output(NamedTuple):
    """For the B = R * K kernels of a batch, row by row. log_seconds, log_spread (of log-seconds);
    memory: (B, 4) whether there are temporary and code bytes (logits), and log2 of how many;
    embedding: (B, D); makeup: (B, M) what the seconds consist of, `makeup`. Of places without a
    kernel: anything finite."""

    log_seconds: Array
    log_spread: Array
    memory: Array
    embedding: Array
    makeup: Array


class Owned(NamedTuple):
    """Which nodes a kernel has. one: (R, n, K) 1 where it does; mask: (R, n, 1) 1 for real nodes;
    counts: (R, K, 1) nodes, at least 1."""

    one: Array
    mask: Array
    counts: Array

    def mean(self, x: Array) -> Array:
        """Of each kernel's nodes: (R, n, D) to (R, K, D)."""
        return jnp.swapaxes(self.one, 1, 2) @ x / self.counts

    def most(self, x: Array) -> Array:
        """Of each kernel's nodes: (R, n, D) to (R, K, D); 0 of a place without a kernel."""
        found = jnp.where(self.one[..., None] > 0, x[:, :, None], _NEVER).max(axis=1)
        return jnp.where(found > _NEVER, found, 0.0)


class Round(eqx.Module):
    """One round of messages."""

    norm: eqx.nn.LayerNorm
    read: eqx.nn.Linear
    used: eqx.nn.Linear
    context: eqx.nn.Linear
    first: eqx.nn.Linear
    second: eqx.nn.Linear

    def __init__(self, width: int, key: Array) -> None:
        keys = jax.random.split(key, 5)
        self.norm = eqx.nn.LayerNorm(width)
        self.read = eqx.nn.Linear(width, width, use_bias=False, key=keys[0])
        self.used = eqx.nn.Linear(width, width, use_bias=False, key=keys[1])
        self.context = eqx.nn.Linear(width, width, key=keys[2])
        self.first = eqx.nn.Linear(2 * width, 2 * width, key=keys[3])
        self.second = eqx.nn.Linear(2 * width, width, key=keys[4])

    def __call__(self, h: Array, edges: Array, owned: Owned) -> Array:
        """h: (R, n, D); edges: (R, n, n)."""
        x = _over(self.norm, h) * owned.mask
        messages = (
            edges @ _linear(self.read, x)
            + jnp.swapaxes(edges, 1, 2) @ _linear(self.used, x)
            + owned.one @ _linear(self.context, owned.mean(x))
        )
        inner = jax.nn.gelu(_linear(self.first, jnp.concatenate([x, messages], axis=-1)))
        return h + _linear(self.second, inner) * owned.mask


class Network(eqx.Module):
    """`width` numbers a node, `rounds` rounds."""

    kinds: Array
    bodies: Array
    types: Array
    encode: eqx.nn.Linear
    encode_again: eqx.nn.Linear
    rounds: list[Round]
    cost: eqx.nn.MLP
    whole: eqx.nn.MLP
    heads: eqx.nn.Linear

    def __init__(self, width: int, rounds: int, key: Array) -> None:
        keys = jax.random.split(key, 8 + rounds)
        words = 16
        self.kinds = 0.3 * jax.random.normal(keys[0], (len(KINDS), words))
        self.bodies = 0.3 * jax.random.normal(keys[1], (len(KINDS), words // 2))
        self.types = 0.3 * jax.random.normal(keys[2], (2, len(TYPES), words // 2))
        given = WIDTH + 2 * details.WIDTH + words + words // 2 + 2 * (words // 2) + 1
        self.encode = eqx.nn.Linear(given, 2 * width, key=keys[3])
        self.encode_again = eqx.nn.Linear(2 * width, width, key=keys[4])
        self.rounds = [Round(width, key) for key in keys[8:]]
        self.cost = eqx.nn.MLP(width, 1, width, 1, jax.nn.gelu, key=keys[5])
        self.whole = eqx.nn.MLP(2 * width + WHOLE + 1, width, width, 1, jax.nn.gelu, key=keys[6])
        self.heads = eqx.nn.Linear(width, 6, key=keys[7])

    def __call__(self, batch: Batch) -> Output:
        edges = jnp.asarray(batch.edges, jnp.float32)
        owned = _owned(jnp.asarray(batch.owner), batch.whole.shape[1])
        base = log_roofline(jnp.asarray(batch.costs))
        h = self._encoded(batch, base) * owned.mask
        for step in self.rounds:
            h = step(h, edges, owned)
        learned = _bounded(_over(self.cost, h)[..., 0])
        costs = _summed(base + learned, batch, owned)
        seen = [owned.mean(h), owned.most(h), jnp.asarray(batch.whole), costs[..., None] / 10]
        embedding = _over(self.whole, jnp.concatenate(seen, axis=-1))
        heads = _linear(self.heads, jax.nn.gelu(embedding))
        parts = makeup(batch, owned.one, jnp.exp(base + learned) * _real(batch), learned, LAUNCH)
        found = (costs + _bounded(heads[..., 0]), heads[..., 1], heads[..., 2:], embedding, parts)
        return Output(*(each.reshape(-1, *each.shape[2:]) for each in found))

    def _encoded(self, batch: Batch, base: Array) -> Array:
        kind, body = jnp.asarray(batch.kind, jnp.int32), jnp.asarray(batch.body, jnp.int32)
        types = jnp.asarray(batch.types, jnp.int32)
        own = jnp.asarray(batch.numbers)[
            ..., -details.WIDTH :
        ]  # convolutions and products have weights apart
        given: list[Array] = [
            *(own * (kind == word)[..., None] for word in (_CONVOLUTION, _PRODUCT)),
            *(jnp.asarray(batch.numbers), self.kinds[kind], self.bodies[body]),
            *(self.types[0][types[..., 0]], self.types[1][types[..., 1]]),
            (base[..., None] + 12) / 6,
        ]
        inner = jax.nn.gelu(_linear(self.encode, jnp.concatenate(given, axis=-1)))
        return _linear(self.encode_again, inner)


def _real(batch: Batch) -> Array:
    """1 for operations, 0 for arguments: (R, n); places without a node have no owner."""
    return jnp.asarray(batch.kind) != kind_index(ARGUMENT)


def _summed(logs: Array, batch: Batch, owned: Owned) -> Array:
    """log(launch + sum of exp(logs)) over the operations of each kernel: (R, n) to (R, K)."""
    real = owned.one * _real(batch)[..., None]
    terms = jnp.where(real > 0, logs[..., None], _NEVER)
    launch = jnp.full((len(logs), 1, terms.shape[2]), jnp.log(LAUNCH))
    return jax.nn.logsumexp(jnp.concatenate([launch, terms], axis=1), axis=1)


def _owned(owner: Array, kernels: int) -> Owned:
    one = (owner[..., None] == jnp.arange(kernels)).astype(jnp.float32)
    mask = (owner >= 0).astype(jnp.float32)[..., None]
    return Owned(one, mask, jnp.maximum(one.sum(axis=1), 1)[..., None])


def log_roofline(costs: Array) -> Array:
    """log r_i of (..., 4) flops, transcendentals, bytes read and written."""
    rates = jnp.array([1 / RATES[0], 1 / RATES[1], 1 / RATES[2], 1 / RATES[2]])
    return jnp.log(costs @ rates + 1e-8)


def _bounded(x: Array) -> Array:
    return _REACH * jnp.tanh(x / _REACH)


def _linear(layer: eqx.nn.Linear, x: Array) -> Array:
    """A linear layer over the last axis."""
    y = x @ layer.weight.T
    return y if layer.bias is None else y + layer.bias


def _over(layer: eqx.nn.LayerNorm | eqx.nn.MLP, x: Array) -> Array:
    """A layer of one vector over all vectors of the last axis."""
    flat = x.reshape(-1, x.shape[-1])
    y = jax.vmap(layer)(flat)
    return y.reshape(*x.shape[:-1], y.shape[-1])
