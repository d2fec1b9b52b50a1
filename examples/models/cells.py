"""Networks of cells, as architecture search finds them: each reads the two results before it.

Inside a cell, state 0 is the result of the cell before, state 1 of the one before that, both
brought to the cell's channels; each pair of steps `(state, operation), (state, operation)` adds one
state, the sum of the two. In a cell with stride 2 the operations on states 0 and 1 step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.cell_operations import OPERATIONS, halve, halve_shapes, relu_conv
from examples.models.layers import Params, conv_shapes

Step = tuple[int, str]  # state, operation


@dataclass(frozen=True)
class Cell:
    pairs: tuple[tuple[Step, Step], ...]
    joined: tuple[int, ...]  # states whose concatenation is the result
    stride: int = 1

    def strides(self, pair: tuple[Step, Step]) -> tuple[int, ...]:
        return tuple(self.stride if state < 2 else 1 for state, _ in pair)


Stack = Sequence[tuple[Cell, int]]  # cells and their channels


def run(stack: Stack, params: list[Params], now: Array, before: Array) -> Array:
    """[1, h, w, c], [1, h or 2 h, w or 2 w, d] -> the last cell's result."""
    for index, ((cell, _), own) in enumerate(zip(stack, params, strict=True)):
        with jax.named_scope(f"cell{index}"):
            now, before = _cell(cell, own, now, before), now
    return now


def _cell(cell: Cell, params: Params, now: Array, before: Array) -> Array:
    states = [relu_conv(params["now"], now), _brought(params["before"], before)]
    for pair, pair_params in zip(cell.pairs, params["pairs"], strict=True):
        left, right = (
            OPERATIONS[name].apply(own, states[state], stride)
            for (state, name), own, stride in zip(
                pair, pair_params, cell.strides(pair), strict=True
            )
        )
        states.append(left + right)
    return jnp.concatenate([states[state] for state in cell.joined], axis=-1)


def _brought(params: Params, before: Array) -> Array:
    """State 1: as it is, by a 1 x 1 convolution, or halved."""
    if not params:
        return before
    return halve(params, before) if "odd" in params else relu_conv(params, before)


def stack_shapes(
    stack: Stack, now: int, before: int, *, halved: bool, raw: bool = False, keep: bool = True
) -> list[Params]:
    """Parameters of the cells.

    now, before: channels of what the first cell reads
    halved: `now` is half as high and wide as `before`
    raw: the first cell takes `before` as it is, whatever its channels
    keep: a state 1 of the right size and channels needs no convolution
    """
    shapes = []
    for index, (cell, channels) in enumerate(stack):
        own = {"now": conv_shapes(1, now, channels)}
        if halved:
            own["before"] = halve_shapes(before, channels)
        elif (raw and index == 0) or (keep and before == channels):
            own["before"] = {}
        else:
            own["before"] = conv_shapes(1, before, channels)
        kept = before if raw and index == 0 else channels
        shapes.append(own | {"pairs": _pair_shapes(cell, channels, kept)})
        now, before, halved = outputs(cell, channels), now, cell.stride == 2
    return shapes


def _pair_shapes(cell: Cell, channels: int, before: int) -> list[list[Params]]:
    """before: channels of state 1."""
    return [
        [
            OPERATIONS[name].shapes(before if state == 1 else channels, channels, stride)
            for (state, name), stride in zip(pair, cell.strides(pair), strict=True)
        ]
        for pair in cell.pairs
    ]


def outputs(cell: Cell, channels: int) -> int:
    """Channels of the result."""
    return len(cell.joined) * channels
