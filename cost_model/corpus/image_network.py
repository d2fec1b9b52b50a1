"""A network that draws its sizes and its structure while it is traced."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model

LARGEST = 3_000_000  # elements of a tensor: 12 MB in float32, and two or three are concatenated
Body = Callable[..., Any]  # (network, *inputs) -> outputs


class Network:
    """Parameters, sizes and taste of one model.

    A family's body calls `draw` for every choice and `parameter` for every weight. It runs once on
    shapes alone to learn the parameters, and again, with a copy of the same dice, whenever the
    model is traced: so it reads sizes from its arrays, and no list of layers is kept beside it.

    flops: about what the costliest convolution of the model takes.
    largest: elements at most of a tensor whose channels are drawn.
    activation, norm, bias, first: the model's habits (`first`: channels before space), which a
        body draws anew with `habits`.
    """

    def __init__(
        self, draw: Draw, least: float = 1e5, most: float = 1e9, largest: int = LARGEST
    ) -> None:
        self.draw = draw
        high = draw.generator.random() ** 0.5  # what surrounds a convolution is cheaper than it
        self.flops = float(least * (most / least) ** high)
        self.largest = largest
        self.batch = draw.one((1, 1, 1, 2, 2, 3, 4, 4, 6, 8, 16))
        self.activation = "relu"
        self.norm = "batch"
        self.bias = True
        self.first = False
        self.shapes: list[jax.ShapeDtypeStruct] = []
        self._given: Sequence[Array] | None = None

    def model(self, body: Body, *inputs: jax.ShapeDtypeStruct) -> Model:
        """The function that `body` describes and the shapes of its arguments."""
        start = copy.deepcopy(self)

        def function(parameters: Sequence[Array], *arrays: Array) -> Any:
            network = copy.deepcopy(start)
            network._given = parameters
            return body(network, *arrays)

        jax.eval_shape(lambda *arrays: body(self, *arrays), *inputs)
        return function, (tuple(self.shapes), *inputs)

    def parameter(self, *shape: int) -> Array:
        """The next parameter, which has this shape."""
        self.shapes.append(self.shape(*shape))
        if self._given is None:
            return jnp.zeros(shape, self.draw.dtype)
        return self._given[len(self.shapes) - 1]

    def repeated(self, body: Body, state: Any, times: int) -> Any:
        """The state after it went through `body` so often, with the same weights and choices."""
        first, dice = len(self.shapes), self.draw.generator.bit_generator.state
        for _ in range(times):
            del self.shapes[first:]
            self.draw.generator.bit_generator.state = dice
            state = body(state)
        return state

    def shape(self, *shape: int) -> jax.ShapeDtypeStruct:
        dtype = jnp.dtype(self.draw.dtype)
        return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]

    def habits(self, activations: Sequence[str], norms: Sequence[str]) -> None:
        """Draw the model's activation, normalisation and whether convolutions have a bias."""
        self.activation = self.draw.one(activations)
        self.norm = self.draw.one(norms)
        self.bias = self.draw.flip(0.3) or self.norm == "none"

    def picture(self, rank: int = 2, colours: bool | None = None) -> jax.ShapeDtypeStruct:
        """An input of `rank` dimensions of space: a picture or a feature map.

        A convolution of 3 x 3 from 8 to 8 channels fits the model's flops, and with the channels
        drawn for a feature map one to as many channels about takes them.
        """
        if colours is None:
            colours = self.draw.flip(0.3)
        space = self.space(rank)
        positions = self.batch * math.prod(space)
        if colours:
            channels = self.draw.one((1, 2, 3, 3, 3, 4))
        else:
            fair = math.sqrt(self.flops / (18 * positions))
            channels = round(fair * self.draw.generator.uniform(0.4, 1.5))
            channels = self.rounded(channels, 3, min(512, self.largest // positions))
        if self.first:
            return self.shape(self.batch, channels, *space)
        return self.shape(self.batch, *space, channels)

    def space(self, rank: int) -> tuple[int, ...]:
        """Sizes of space: odd and oblong ones among them, now and then a single point."""
        if self.draw.flip(0.03):
            return (1,) * rank
        positions = min(max(self.flops / (1152 * self.batch), 16.0), 65_536.0)
        longest = positions ** (1 / rank)
        shortest = max(2.0, longest / 12)
        limit = 256 if rank > 1 else 16_384
        side = self.draw.size(int(shortest), max(int(longest), int(shortest) + 1))
        if side > 6 and self.draw.flip(0.4):
            side -= side % self.draw.one((2, 4, 7))
        if self.draw.flip(0.6):
            return (min(side, limit),) * rank
        stretched = [side * self.draw.one((0.5, 0.7, 0.8, 1, 1, 1.25)) for _ in range(rank)]
        return tuple(min(max(1, round(one)), limit) for one in stretched)

    def width(self, per_channel: float, most: int) -> int:
        """Output channels of a layer, of which each takes `per_channel` flops.

        The layer takes between a fifth and all of the model's flops, if `most` allows.
        """
        part = math.exp(self.draw.generator.uniform(math.log(0.2), 0.0))
        return self.rounded(round(self.flops * part / per_channel), 4, min(most, 768))

    def rounded(self, channels: int, least: int, most: int) -> int:
        """Nearest to `channels` in [least, most], mostly a multiple of 8 or 16."""
        multiple = self.draw.one((1, 4, 8, 8, 8, 16, 16, 32))
        inside = min(max(channels, least), max(most, 1))
        return inside // multiple * multiple or inside
