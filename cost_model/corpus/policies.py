"""Agents that act and learn: policies, values, advantages."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import budget
from cosmalloc.cost_model.corpus.image_blocks import OLD, block
from cosmalloc.cost_model.corpus.image_network import Network
from cosmalloc.cost_model.corpus.scans import scan
from cosmalloc.cost_model.corpus.sequence_layers import Layer, chain, dense, floats, integers
from cosmalloc.cost_model.corpus.tabular import perceptron, rows_and_width

Trunk = tuple[int, Layer, ShapeDtypeStruct]  # width of its output, the layer, its input


def actor_critic(draw: Draw) -> Model:
    """A policy and a value: acting, the clipped loss of what was seen, or its gradients too
    (Schulman, 2015 and 2017)."""
    flops = budget(draw, 10**5, 3 * 10**8)
    width, body, seen = (_pixels if draw.flip(0.35) else _vector)(draw, flops)
    actions, discrete = draw.size(2, 32), draw.flip(0.6)
    rows = seen.shape[0]
    steps = draw.one([n for n in (1, 2, 4, 5, 8, 16, 20, 32, 64, 128) if rows % n == 0])
    apart = draw.flip(0.4)  # a second, small trunk for the value
    side, lower = perceptron(draw, flops, rows, width, 1) if apart else (width, Layer((), _same))
    heads = {"policy": dense(draw, width, actions), "value": chain(lower, dense(draw, side, 1))}
    shapes = {"body": body.shapes} | {name: head.shapes for name, head in heads.items()}
    if not discrete:
        shapes["spread"] = floats(draw, actions)

    def look(params: Any, seen: Array) -> tuple[Array, Array]:
        x = body.apply(params["body"], seen)
        made = [heads[name].apply(params[name], x) for name in ("policy", "value")]
        return made[0], made[1][:, 0]

    chosen = integers(rows) if discrete else floats(draw, rows, actions)
    noise = floats(draw, rows, actions)
    if draw.flip(0.3):
        return _acting(look, discrete), (shapes, seen, noise)
    loss = _loss(draw, look, discrete, steps)
    record = [floats(draw, rows) for _ in range(4)]  # rewards, ends, old values, old chances
    if draw.flip():
        return loss, (shapes, seen, chosen, *record)
    return jax.value_and_grad(loss), (shapes, seen, chosen, *record)


def _same(params: Any, x: Array) -> Array:
    return x


def _vector(draw: Draw, flops: int) -> Trunk:
    rows, width = rows_and_width(draw, flops)
    width = draw.size(3, 256) if draw.flip(0.6) else width
    rows = max(1, rows - rows % draw.one((1, 8, 16, 32))) if rows > 32 else rows
    outputs, body = perceptron(draw, flops, rows, width, draw.one((1, 2, 2, 3)))
    return outputs, body, floats(draw, rows, width)


def _pixels(draw: Draw, flops: int) -> Trunk:
    """Stacked frames through strided convolutions, flattened."""
    net = Network(draw, most=float(max(flops, 10**6)), largest=600_000)
    net.batch = draw.one((1, 4, 8, 16, 20, 32, 40, 64, 128))
    function, (shapes, seen) = net.model(_frames, net.picture(colours=True))
    return jax.eval_shape(function, shapes, seen).shape[-1], Layer(shapes, function), seen


def _frames(net: Network, x: Array) -> Array:
    draw = net.draw
    net.habits(OLD, ("none", "none", "none", "layer"))
    x = x * draw.one((1 / 255, 1 / 256)) if draw.flip(0.6) else x
    padding = draw.one(("SAME", "VALID"))
    for kernel, stride in ((8, 4), (4, 2), (3, 1))[draw.one((0, 0, 1)) :]:
        x = block(net, x, kernel=kernel, stride=stride, padding=padding)
    while math.prod(x.shape[1:]) > 4096:
        x = block(net, x, kernel=3, stride=2)
        x = x if x.shape[1] * x.shape[2] > 64 else x.max((1, 2))[:, None, None]
    return x.reshape(x.shape[0], -1)


def _acting(look: Any, discrete: bool) -> Any:
    """An action by given noise, its logarithmic chance, and the value."""

    def act(params: Any, seen: Array, noise: Array) -> tuple[Array, ...]:
        policy, value = look(params, seen)
        if not discrete:
            chosen = policy + jnp.exp(params["spread"]) * noise
            return jnp.tanh(chosen), _chance(params, policy, chosen, discrete)[0], value
        uniform = jax.nn.sigmoid(noise)
        chosen = jnp.argmax(policy - jnp.log(-jnp.log(uniform + 1e-6)), axis=-1)
        return chosen, _chance(params, policy, chosen, discrete)[0], value

    return act


def _chance(params: Any, policy: Array, chosen: Array, discrete: bool) -> tuple[Array, Array]:
    """(logarithm of the chance of what was chosen, entropy): float[rows] each."""
    if discrete:
        all_of = jax.nn.log_softmax(policy, axis=-1)
        own = jnp.take_along_axis(all_of, chosen[:, None], axis=-1)[:, 0]
        return own, -(jnp.exp(all_of) * all_of).sum(-1)
    spread = params["spread"]
    away = (chosen - policy) * jnp.exp(-spread)
    own = -(jnp.square(away) / 2 + spread + math.log(2 * math.pi) / 2).sum(-1)
    return own, jnp.broadcast_to((spread + 0.5 * math.log(2 * math.pi * math.e)).sum(), own.shape)


def _loss(draw: Draw, look: Any, discrete: bool, steps: int) -> Any:
    gamma, decay, clip = (
        draw.one((0.9, 0.99, 0.999)),
        draw.one((0.9, 0.95, 1.0)),
        draw.one((0.1, 0.2)),
    )
    centred, clipped, weight = draw.flip(0.7), draw.flip(), draw.one((0.0, 0.01))
    sums = draw.one((_by_loop, _by_loop, _by_scan, _by_steps if steps <= 8 else _by_loop))

    def loss(params: Any, seen: Array, chosen: Array, *record: Array) -> Array:
        rewards, ends, before, chances = record
        table = [x.reshape(steps, -1) for x in (rewards, ends, before)]
        policy, value = look(params, seen)
        own, entropy = _chance(params, policy, chosen, discrete)
        goes_on = gamma * (1 - table[1])
        after = jnp.concatenate([table[2][1:], table[2][-1:]])
        surprise = table[0] + goes_on * after - table[2]
        gains = jax.lax.stop_gradient(sums(decay * goes_on, surprise)).reshape(-1)
        aims = gains + before
        if centred:
            gains = (gains - gains.mean()) / (gains.std() + 1e-6)
        ratio = jnp.exp(own - chances)
        kept = jnp.minimum(ratio * gains, jnp.clip(ratio, 1 - clip, 1 + clip) * gains)
        off = jnp.square(value - aims)
        if clipped:
            near = before + jnp.clip(value - before, -clip, clip)
            off = jnp.maximum(off, jnp.square(near - aims))
        return -kept.mean() + 0.5 * off.mean() - weight * entropy.mean()

    return loss


def _by_loop(decay: Array, added: Array) -> Array:
    """a[t] = added[t] + decay[t] a[t + 1], by a loop from the end."""

    def step(later: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        total = now[1] + now[0] * later
        return total, total

    totals: Array = jax.lax.scan(step, jnp.zeros_like(added[0]), (decay, added), reverse=True)[1]
    return totals


def _by_scan(decay: Array, added: Array) -> Array:
    return scan(decay, added, axis=0, reverse=True)


def _by_steps(decay: Array, added: Array) -> Array:
    total, totals = jnp.zeros_like(added[0]), []
    for t in reversed(range(added.shape[0])):
        total = added[t] + decay[t] * total
        totals.append(total)
    return jnp.stack(totals[::-1])
