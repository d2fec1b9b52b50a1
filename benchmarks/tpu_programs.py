"""Twelve JAX programs of the kinds that run on TPUs, in bfloat16, sized to fill 4 to 100 MiB.

`PROGRAMS[name]()` gives a function, the shapes of its arguments and which of them are donated. Each
compiles for a TPU in seconds. Layers follow the papers named at them; weights are arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

Tree = Any


class Program(NamedTuple):
    """donated: numbers of the arguments whose memory the results may take."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    donated: tuple[int, ...] = ()


def half(*sizes: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(sizes, jnp.bfloat16)


def whole(*sizes: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(sizes, jnp.int32)


def mlp() -> Program:
    """Four dense layers, batch 256: 1024 -> 4096 -> 4096 -> 1024."""

    def forward(layers: list[Tree], x: Array) -> Array:
        for layer in layers[:-1]:
            x = jax.nn.relu(x @ layer["w"] + layer["b"])
        return x @ layers[-1]["w"] + layers[-1]["b"]

    widths = (1024, 4096, 4096, 1024, 1024)
    layers = [{"w": half(a, b), "b": half(b)} for a, b in pairwise(widths)]
    return Program(forward, (layers, half(256, widths[0])))


def norm(layer: Tree, x: Array) -> Array:
    """Layer normalisation (Ba et al. 2016) in float32."""
    wide = x.astype(jnp.float32)
    centred = wide - wide.mean(-1, keepdims=True)
    scaled = centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled.astype(x.dtype) * layer["scale"] + layer["shift"]


def norm_shapes(width: int) -> Tree:
    return {"scale": half(width), "shift": half(width)}


def split_heads(x: Array, heads: int) -> Array:
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)


def attend(layer: Tree, x: Array, heads: int) -> Array:
    """Causal attention (Vaswani et al. 2017)."""
    batch, length, width = x.shape
    query, key, value = (split_heads(x @ layer[name], heads) for name in ("query", "key", "value"))
    scores = jnp.einsum("bhqd,bhkd->bhqk", query, key).astype(jnp.float32)
    seen = jnp.arange(length)[:, None] >= jnp.arange(length)[None, :]
    weights = jax.nn.softmax(jnp.where(seen, scores * (width // heads) ** -0.5, -1e9), axis=-1)
    mixed = jnp.einsum("bhqk,bhkd->bhqd", weights.astype(x.dtype), value)
    return mixed.transpose(0, 2, 1, 3).reshape(batch, length, width) @ layer["out"]


def block(layer: Tree, x: Array, heads: int) -> Array:
    x = x + attend(layer, norm(layer["before"], x), heads)
    hidden = jax.nn.gelu(norm(layer["after"], x) @ layer["wide"])
    return x + hidden @ layer["narrow"]


def block_shapes(width: int, hidden: int) -> Tree:
    square = {name: half(width, width) for name in ("query", "key", "value", "out")}
    dense = {"wide": half(width, hidden), "narrow": half(hidden, width)}
    return {"before": norm_shapes(width), "after": norm_shapes(width), **square, **dense}


def transformer_block() -> Program:
    """One block, width 1024, 8 heads, 2 x 768 tokens."""
    return Program(partial(block, heads=8), (block_shapes(1024, 4096), half(2, 768, 1024)))


def language_model(parameters: Tree, words: Array, heads: int) -> Array:
    x = parameters["embedding"][words]
    for layer in parameters["blocks"]:
        x = block(layer, x, heads)
    return x @ parameters["embedding"].T


def language_shapes(layers: int, width: int, words: int) -> Tree:
    blocks = [block_shapes(width, 4 * width) for _ in range(layers)]
    return {"embedding": half(words, width), "blocks": blocks}


def transformer_forward() -> Program:
    """Four blocks, width 768, 12 heads, 2 x 512 tokens, 8192 words."""
    forward = partial(language_model, heads=12)
    return Program(forward, (language_shapes(4, 768, 8192), whole(2, 512)))


def transformer_train() -> Program:
    """One step of Adam (Kingma and Ba 2015) on two blocks, width 512, 4 x 256 tokens."""

    def loss(parameters: Tree, words: Array) -> Array:
        scores = language_model(parameters, words, heads=8).astype(jnp.float32)
        logs = jax.nn.log_softmax(scores[:, :-1])
        return -jnp.take_along_axis(logs, words[:, 1:, None], axis=-1).mean()

    def step(parameters: Tree, mean: Tree, square: Tree, words: Array) -> tuple[Tree, ...]:
        value, slope = jax.value_and_grad(loss)(parameters, words)
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, slope)
        square = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, square, slope)
        parameters = jax.tree.map(
            lambda p, m, s: p - (1e-3 * m / (jnp.sqrt(s) + 1e-8)).astype(p.dtype),
            parameters,
            mean,
            square,
        )
        return parameters, mean, square, value

    shapes = language_shapes(2, 512, 4096)
    moments = jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, jnp.float32), shapes)
    return Program(step, (shapes, moments, moments, whole(4, 256)))


def decoder_step() -> Program:
    """One token of four blocks, width 1024, batch 8, keys and values of 512 tokens cached."""
    heads, width, length, batch = 8, 1024, 512, 8

    def attend_cached(layer: Tree, x: Array, cache: Tree, at: Array) -> tuple[Array, Tree]:
        query, key, value = (
            (x @ layer[name]).reshape(batch, heads, width // heads)
            for name in ("query", "key", "value")
        )
        keys = lax.dynamic_update_slice(cache["keys"], key[:, :, None], (0, 0, at, 0))
        values = lax.dynamic_update_slice(cache["values"], value[:, :, None], (0, 0, at, 0))
        scores = jnp.einsum("bhd,bhkd->bhk", query, keys).astype(jnp.float32)
        scores = jnp.where(jnp.arange(length) <= at, scores * (width // heads) ** -0.5, -1e9)
        mixed = jnp.einsum("bhk,bhkd->bhd", jax.nn.softmax(scores).astype(x.dtype), values)
        return mixed.reshape(batch, width) @ layer["out"], {"keys": keys, "values": values}

    def step(layers: list[Tree], caches: list[Tree], x: Array, at: Array) -> tuple[Array, Tree]:
        grown = []
        for layer, cache in zip(layers, caches, strict=True):
            mixed, cache = attend_cached(layer, norm(layer["before"], x), cache, at)
            x = x + mixed
            x = x + jax.nn.gelu(norm(layer["after"], x) @ layer["wide"]) @ layer["narrow"]
            grown.append(cache)
        return x, grown

    past = half(batch, heads, length, width // heads)
    layers = [block_shapes(width, 4 * width) for _ in range(4)]
    caches = [{"keys": past, "values": past} for _ in range(4)]
    return Program(step, (layers, caches, half(batch, width), whole()), donated=(1,))


def convolve(x: Array, kernel: Array, stride: int = 1, groups: int = 1) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def conv(layer: Tree, x: Array, stride: int = 1, groups: int = 1) -> Array:
    """Convolution and folded batch normalisation."""
    return convolve(x, layer["kernel"], stride, groups) * layer["scale"] + layer["shift"]


def conv_shapes(size: int, inputs: int, outputs: int) -> Tree:
    return {"kernel": half(size, size, inputs, outputs), **norm_shapes(outputs)}


STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # of ResNet-50: width of the neck, blocks


def resnet(parameters: Tree, images: Array) -> Array:
    """ResNet-50 (He et al. 2016), the stride in the 3x3."""
    x = jax.nn.relu(conv(parameters["stem"], images, 2))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    for stage, blocks in enumerate(parameters["stages"]):
        for index, layer in enumerate(blocks):
            stride = 2 if stage and not index else 1
            y = jax.nn.relu(conv(layer["narrow"], x))
            y = conv(layer["wide"], jax.nn.relu(conv(layer["window"], y, stride)))
            skip = conv(layer["skip"], x, stride) if "skip" in layer else x
            x = jax.nn.relu(y + skip)
    return x.mean((1, 2)) @ parameters["classes"]


def resnet_shapes() -> Tree:
    stages, inputs = [], 64
    for neck, count in STAGES:
        blocks = []
        for index in range(count):
            layer = {
                "narrow": conv_shapes(1, inputs, neck),
                "window": conv_shapes(3, neck, neck),
                "wide": conv_shapes(1, neck, 4 * neck),
            }
            if index == 0:
                layer["skip"] = conv_shapes(1, inputs, 4 * neck)
            blocks.append(layer)
            inputs = 4 * neck
        stages.append(blocks)
    return {"stem": conv_shapes(7, 3, 64), "stages": stages, "classes": half(2048, 1000)}


def resnet_forward() -> Program:
    """ResNet-50, eight images of 224 x 224."""
    return Program(resnet, (resnet_shapes(), half(8, 224, 224, 3)))


def resnet_train() -> Program:
    """One step of gradient descent on ResNet-50, four images of 224 x 224."""

    def loss(parameters: Tree, images: Array, classes: Array) -> Array:
        logs = jax.nn.log_softmax(resnet(parameters, images).astype(jnp.float32))
        return -jnp.take_along_axis(logs, classes[:, None], axis=-1).mean()

    def step(parameters: Tree, images: Array, classes: Array) -> tuple[Tree, Array]:
        value, slope = jax.value_and_grad(loss)(parameters, images, classes)
        return jax.tree.map(lambda p, g: p - 0.01 * g, parameters, slope), value

    return Program(step, (resnet_shapes(), half(4, 224, 224, 3), whole(4)))


INVERTED = (  # MobileNetV2: expansion, channels, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet() -> Program:
    """MobileNetV2 (Sandler et al. 2018), 16 images of 224 x 224."""
    layers, plan, inputs = [], [], 32
    for expansion, outputs, count, stride in INVERTED:
        for index in range(count):
            inside = inputs * expansion
            layer = {
                "depth": {"kernel": half(3, 3, 1, inside), **norm_shapes(inside)},
                "out": conv_shapes(1, inside, outputs),
            }
            if expansion > 1:
                layer["in"] = conv_shapes(1, inputs, inside)
            layers.append(layer)
            plan.append((inside, stride if index == 0 else 1))
            inputs = outputs

    def relu6(x: Array) -> Array:
        return jnp.clip(x, 0, 6)

    def forward(parameters: Tree, images: Array) -> Array:
        x = relu6(conv(parameters["stem"], images, 2))
        for layer, (inside, stride) in zip(parameters["layers"], plan, strict=True):
            y = relu6(conv(layer["in"], x)) if "in" in layer else x
            y = relu6(conv(layer["depth"], y, stride, groups=inside))
            y = conv(layer["out"], y)
            x = x + y if y.shape == x.shape else y
        return relu6(conv(parameters["top"], x)).mean((1, 2)) @ parameters["classes"]

    shapes = {
        "stem": conv_shapes(3, 3, 32),
        "layers": layers,
        "top": conv_shapes(1, 320, 1280),
        "classes": half(1280, 1000),
    }
    return Program(forward, (shapes, half(16, 224, 224, 3)))


def unet() -> Program:
    """U-Net (Ronneberger et al. 2015) with padding, one image of 256 x 256, widths 64 to 512."""
    widths = (64, 128, 256, 512)

    def pair(layer: Tree, x: Array) -> Array:
        return jax.nn.relu(conv(layer["b"], jax.nn.relu(conv(layer["a"], x))))

    def forward(parameters: Tree, x: Array) -> Array:
        skips = []
        for layer in parameters["down"]:
            x = pair(layer, x)
            skips.append(x)
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = pair(parameters["middle"], x)
        for layer in parameters["up"]:
            skip = skips.pop()
            x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
            x = pair(layer, jnp.concatenate([skip, convolve(x, layer["shrink"])], axis=-1))
        return convolve(x, parameters["classes"])

    def pair_shapes(inputs: int, outputs: int) -> Tree:
        return {"a": conv_shapes(3, inputs, outputs), "b": conv_shapes(3, outputs, outputs)}

    down = [pair_shapes(a, b) for a, b in zip((4, *widths), widths, strict=False)]
    up = [
        {"shrink": half(2, 2, 2 * width, width), **pair_shapes(2 * width, width)}
        for width in reversed(widths)
    ]
    middle = pair_shapes(widths[-1], 2 * widths[-1])
    shapes = {"down": down, "middle": middle, "up": up, "classes": half(1, 1, 64, 4)}
    return Program(forward, (shapes, half(1, 256, 256, 4)))


def recommender() -> Program:
    """DLRM (Naumov et al. 2019): 16 tables of 8192 rows, batch 2048, pairwise products."""
    tables, rows, width, batch = 16, 8192, 128, 2048

    def dense(layers: list[Tree], x: Array) -> Array:
        for layer in layers:
            x = jax.nn.relu(x @ layer["w"] + layer["b"])
        return x

    def forward(parameters: Tree, x: Array, rows_of: Array) -> Array:
        bottom = dense(parameters["bottom"], x)
        found = [table[rows_of[:, i]] for i, table in enumerate(parameters["tables"])]
        features = jnp.stack([bottom, *found], axis=1)
        products = jnp.einsum("bid,bjd->bij", features, features)
        pairs = products.reshape(batch, -1)
        return dense(parameters["top"], jnp.concatenate([bottom, pairs], axis=1))

    def dense_shapes(*widths: int) -> list[Tree]:
        return [{"w": half(a, b), "b": half(b)} for a, b in pairwise(widths)]

    shapes = {
        "bottom": dense_shapes(256, 512, 256, width),
        "tables": [half(rows, width) for _ in range(tables)],
        "top": dense_shapes(width + (tables + 1) ** 2, 1024, 1024, 512, 1),
    }
    return Program(forward, (shapes, half(batch, 256), whole(batch, tables)))


def lstm() -> Program:
    """Two layers of LSTM (Hochreiter and Schmidhuber 1997), width 1024, 64 words, batch 64."""
    width, length, batch = 1024, 64, 64

    def cell(layer: Tree, state: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        hidden, memory = state
        gates = x @ layer["input"] + hidden @ layer["hidden"] + layer["bias"]
        let, forget, new, out = jnp.split(gates, 4, axis=-1)
        memory = jax.nn.sigmoid(forget) * memory + jax.nn.sigmoid(let) * jnp.tanh(new)
        return jax.nn.sigmoid(out) * jnp.tanh(memory), memory

    def forward(layers: list[Tree], words: Array) -> Array:
        def step(states: list[Any], x: Array) -> tuple[list[Any], Array]:
            grown = []
            for layer, state in zip(layers, states, strict=True):
                x, memory = cell(layer, state, x)
                grown.append((x, memory))
            return grown, x

        zero = jnp.zeros((batch, width), words.dtype)
        return lax.scan(step, [(zero, zero) for _ in layers], words)[1]

    shapes = {
        "input": half(width, 4 * width),
        "hidden": half(width, 4 * width),
        "bias": half(4 * width),
    }
    return Program(forward, ([shapes, shapes], half(length, batch, width)))


def block_product() -> Program:
    """A 4 x 4 block product by two levels of Strassen (1969): 49 products, blocks of 512.

    The shape of the programs that AlphaTensor finds (Fawzi et al. 2022): many sums, few products.
    """

    def strassen(a: Array, b: Array, levels: int) -> Array:
        if levels == 0:
            return a @ b
        size = a.shape[0] // 2
        (a11, a12, a21, a22), (b11, b12, b21, b22) = (
            (m[:size, :size], m[:size, size:], m[size:, :size], m[size:, size:]) for m in (a, b)
        )
        times = partial(strassen, levels=levels - 1)
        m1, m2, m3 = times(a11 + a22, b11 + b22), times(a21 + a22, b11), times(a11, b12 - b22)
        m4, m5 = times(a22, b21 - b11), times(a11 + a12, b22)
        m6, m7 = times(a21 - a11, b11 + b12), times(a12 - a22, b21 + b22)
        top = jnp.concatenate([m1 + m4 - m5 + m7, m3 + m5], axis=1)
        return jnp.concatenate([top, jnp.concatenate([m2 + m4, m1 - m2 + m3 + m6], axis=1)])

    return Program(partial(strassen, levels=2), (half(2048, 2048), half(2048, 2048)))


PROGRAMS: dict[str, Callable[[], Program]] = {
    "mlp": mlp,
    "transformer-block": transformer_block,
    "transformer-forward": transformer_forward,
    "transformer-train": transformer_train,
    "decoder-step": decoder_step,
    "resnet-forward": resnet_forward,
    "resnet-train": resnet_train,
    "mobilenet": mobilenet,
    "unet": unet,
    "recommender": recommender,
    "lstm": lstm,
    "block-product": block_product,
}
