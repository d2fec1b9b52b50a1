"""ONNX's LSTM, GRU and RNN: one step at a time, a loop where there are several.

Gates lie in the order of the file: i o f c (LSTM), z r h (GRU).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.onnx.common import op
from cosmalloc.passes.onnx.graph import Node, Value

Step = Callable[[Any, Value], Any]  # (state, x[batch, gates]) -> state; state = (h, ...)
_FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "Sigmoid": lambda x: lax.logistic(x),
    "Tanh": lambda x: jnp.tanh(x),
    "Relu": lambda x: jnp.maximum(x, np.zeros((), x.dtype)),
}


@op("LSTM")
def _lstm(node: Node, x: Value, w: Value, r: Value, *rest: Value) -> Any:
    if len(rest) > 4 and rest[4] is not None:
        raise node.fault("has peepholes, which this reader does not know")
    return _recurrent(node, x, w, r, rest, 4, ["Sigmoid", "Tanh", "Tanh"], _lstm_step)


@op("GRU")
def _gru(node: Node, x: Value, w: Value, r: Value, *rest: Value) -> Any:
    return _recurrent(node, x, w, r, rest, 3, ["Sigmoid", "Tanh"], _gru_step)


@op("RNN")
def _rnn(node: Node, x: Value, w: Value, r: Value, *rest: Value) -> Any:
    return _recurrent(node, x, w, r, rest, 1, ["Tanh"], _rnn_step)


def _lstm_step(node: Node, acts: list[Any], r: Value, bias: Value) -> Step:
    gate, inner, outer = acts

    def step(state: Any, x: Value) -> Any:
        h, c = state
        i, o, f, g = jnp.split(x + jnp.matmul(h, r.T) + bias, 4, -1)
        c = gate(f) * c + gate(i) * inner(g)
        return gate(o) * outer(c), c

    return step


def _gru_step(node: Node, acts: list[Any], r: Value, bias: Value) -> Step:
    gate, inner = acts
    after = node.attr("linear_before_reset", 0)
    rz, rr, rh = jnp.split(r, 3)
    bz, br, bh = jnp.split(bias, 3)

    def step(state: Any, x: Value) -> Any:
        (h,) = state
        xz, xr, xh = jnp.split(x, 3, -1)
        z = gate(xz + jnp.matmul(h, rz.T) + bz)
        reset = gate(xr + jnp.matmul(h, rr.T) + br)
        if after:
            new = inner(xh + reset * (jnp.matmul(h, rh.T) + bh))
        else:
            new = inner(xh + jnp.matmul(reset * h, rh.T) + bh)
        return ((1 - z) * new + z * h,)

    return step


def _rnn_step(node: Node, acts: list[Any], r: Value, bias: Value) -> Step:
    (act,) = acts

    def step(state: Any, x: Value) -> Any:
        return (act(x + jnp.matmul(state[0], r.T) + bias),)

    return step


def _recurrent(
    node: Node,
    x: Value,
    w: Value,
    r: Value,
    rest: tuple[Value, ...],
    gates: int,
    default: list[str],
    make: Callable[[Node, list[Any], Value, Value], Step],
) -> Any:
    """x: [steps, batch, in] (batch first with `layout`); w: [ways, gates * H, in]."""
    bias, lengths, *start = [*rest, None, None, None, None][:4]
    if lengths is not None and not _whole(node, x.shape[0]):
        raise node.fault("has sequences of several lengths, which this reader does not know")
    if node.attr("clip", 0.0) or node.attr("input_forget", 0):
        raise node.fault("clips or couples its gates, which this reader does not know")
    batch_first = node.attr("layout", 0)
    x = jnp.swapaxes(x, 0, 1) if batch_first else jnp.asarray(x)
    ways, hidden, batch = w.shape[0], r.shape[-1], x.shape[1]
    named = node.attr("activations", default * ways)
    states = 2 if gates == 4 else 1
    zero = jnp.zeros((ways, batch, hidden), x.dtype)
    given = [zero if s is None else (jnp.swapaxes(s, 0, 1) if batch_first else s) for s in start]
    bias = jnp.zeros((ways, 2 * gates * hidden), x.dtype) if bias is None else bias
    outputs, finals = [], []
    for way in range(ways):
        words = named[way * len(default) : (way + 1) * len(default)]
        if any(word not in _FUNCTIONS for word in words):
            raise node.fault(f"has the activations {words}, which this reader does not know")
        wb, rb = jnp.split(bias[way], 2)
        step = make(node, [_FUNCTIONS[word] for word in words], r[way], rb)
        gated = jnp.matmul(x, w[way].T) + wb
        back = way == 1 or node.attr("direction", "forward") == "reverse"
        made, final = _steps(step, tuple(g[way] for g in given[:states]), gated, back)
        outputs.append(made)
        finals.append(final)
    y = jnp.stack(outputs, 1)
    last = [jnp.stack([final[i] for final in finals]) for i in range(states)]
    if batch_first:
        y = jnp.transpose(y, (2, 0, 1, 3))
        last = [jnp.swapaxes(each, 0, 1) for each in last]
    return (y, *last)


def _whole(node: Node, steps: int) -> bool:
    """Whether the lengths say what the shape does."""
    lengths = node.known(4)
    return lengths is not None and bool((lengths == steps).all())


def _steps(step: Step, state: Any, x: Value, back: bool) -> tuple[Value, Any]:
    """x: [steps, batch, gates * H] -> h of each step, and the last state."""
    if x.shape[0] == 1:
        state = step(state, x[0])
        return state[0][None], state

    def body(carried: Any, row: Value) -> Any:
        new = step(carried, row)
        return new, new[0]

    final, made = lax.scan(body, state, x, reverse=back)
    return made, final
