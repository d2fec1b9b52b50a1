"""Single operations with every combination of sizes, layouts and types, written as MLIR text: what
networks hold many of, and what costs most: convolutions, products, pools, reductions.

Half of the convolutions and products go on with what usually follows them: a factor and a summand
per feature, and a maximum with zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from jaxlib.mlir import ir

from cosmalloc.cost_model.corpus.draw import Draw
from cosmalloc.cost_model.kernel import kernel_text
from cosmalloc.passes import context

_TOGETHER = 64
_ACCUMULATED = {"f32": "f32", "bf16": "bf16", "i8": "i32"}
_MOST = {"f32": 6e8, "bf16": 3e8, "i8": 1e8}  # flops, groups multiplied out
_MOST_ELEMENTS = 4 << 20


def singles(shares: dict[str, int], seed: int) -> Iterator[dict[str, Any]]:
    """Rows as of `generate`, `shares[family]` of each of `FAMILIES`."""
    for family, count in shares.items():
        for start in range(0, count, _TOGETHER):
            texts = [
                _one(FAMILIES[family], seed, start + i)
                for i in range(min(_TOGETHER, count - start))
            ]
            for number, text in enumerate(_printed(texts), start):
                row = {"text": text, "source": f"{family}/{number}", "family": family}
                yield row | {"policy": "single"}


def _one(family: Callable[[Draw], str | None], seed: int, number: int) -> str:
    draw = Draw(int(np.random.default_rng((seed, number)).integers(1 << 31)))
    return next(text for text in iter(lambda: family(draw), 0) if text is not None)


def _printed(texts: Sequence[str]) -> list[str]:
    """The texts as MLIR prints them."""
    named = [text.replace("@main(", f"@main{i}(", 1) for i, text in enumerate(texts)]
    module = context.parse("\n".join(named), "drawn kernels")
    with module.context, ir.Location.unknown():
        return [kernel_text(f) for f in context.functions(module.operation).values()]


def _tensor(shape: Sequence[int], kind: str) -> str:
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}{kind}>"


def _element(draw: Draw) -> str:
    return draw.one(("f32",) * 6 + ("bf16",) * 2 + ("i8",))


def small_convolution(draw: Draw) -> str | None:
    """Where the window may be larger than the image, as at the end of deep networks."""
    return convolution(draw, small=True)


def convolution(draw: Draw, small: bool = False) -> str | None:
    """1 to 3 dimensions, dense, grouped or depthwise, forward or one of its two gradients."""
    kind, rank = _element(draw), draw.one((1, 2, 2, 2, 2, 2, 2, 3))
    window = [draw.one((1, 1, 1, 3, 3, 3, 5, 7))] * rank
    if draw.flip(0.15):
        window = [draw.one((1, 2, 3, 4, 7)) for _ in range(rank)]
    form = draw.one(("forward",) * 7 + ("first", "input", "kernel", "transposed"))
    if form == "kernel":
        window = [draw.size(2, 64) for _ in range(rank)]
    stride, base, dilation = (draw.one(choices) for choices in _steps(form))
    image = [draw.size(max(1, (64, 6, 2)[rank - 1]), (2048, 160, 32)[rank - 1])] * rank
    if small:
        image = [draw.size(1, 8) for _ in range(rank)]
    if form == "kernel":
        image = [extent + draw.one((0, 1, 2, 2, 4, 6)) for extent in window]
    pad = [0 if form == "kernel" else dilation * (extent - 1) // 2 for extent in window]
    made = [
        ((n - 1) * base + 1 + 2 * p - dilation * (k - 1) - 1) // stride + 1
        for n, k, p in zip(image, window, pad, strict=True)
    ]
    if min(made) < 1:
        return None
    batch = draw.size(1, 32) if form == "kernel" else draw.one((1, 1, 1, 2, 4, 8))
    groups = 1 if form == "kernel" else draw.one((1,) * 6 + (0, 0, draw.one((2, 4, 8, 32))))
    features, outputs = draw.channels(1, 1024), draw.channels(1, 1024)
    if groups == 0:
        groups, features = features, 1
        outputs = groups * draw.one((1, 1, 1, 1, 2))
    else:
        features, outputs = max(1, features // groups), max(1, outputs // groups) * groups
    work = 2 * batch * prod(made) * outputs * features * groups * prod(window)
    sizes = (batch * prod(image) * features * groups, batch * prod(made) * outputs)
    if not 1e3 < work < _MOST[kind] or max(sizes) > _MOST_ELEMENTS:
        return None
    return _convolution_text(
        draw, kind, form, (batch, features, outputs, groups), image, window, made, pad,
        (stride, base, dilation),
    )  # fmt: skip


def _steps(form: str) -> tuple[tuple[int, ...], ...]:
    """Choices of stride, base dilation and window dilation."""
    if form == "transposed":
        return (1,), (2,), (1,)
    if form == "kernel":
        return (1,), (1,), (1, 1, 2)
    return (1, 1, 1, 2), (1,), (1,) * 8 + (2, 3)


def _convolution_text(
    draw: Draw,
    kind: str,
    form: str,
    sizes: tuple[int, int, int, int],
    image: list[int],
    window: list[int],
    made: list[int],
    pad: list[int],
    steps: tuple[int, int, int],
) -> str:
    batch, features, outputs, groups = sizes
    places = [str(i) for i in range(len(image))]
    values = {"b": batch, "f": features * groups, "i": features, "o": outputs}
    orders = {
        "forward": (["b", *places, "f"], [*places, "i", "o"], ["b", *places, "f"]),
        "transposed": (["b", *places, "f"], [*places, "i", "o"], ["b", *places, "f"]),
        "first": (["b", "f", *places], ["o", "i", *places], ["b", "f", *places]),
        "input": (["b", *places, "f"], [*places, "o", "i"], ["b", *places, "f"]),
        "kernel": (["f", *places, "b"], ["i", *places, "o"], [*places, "b", "f"]),
    }[form]

    def shape(order: list[str], extents: list[int], feature: int) -> list[int]:
        own = values | {"f": feature}
        return [extents[int(w)] if w.isdigit() else own[w] for w in order]

    left = shape(orders[0], image, features * groups)
    right = shape(orders[1], window, 0)
    result = shape(orders[2], made, outputs)
    numbers = (f"[{', '.join(order)}]" for order in orders)
    given, kernel, out = numbers
    stride, base, dilation = ([step] * len(image) for step in steps)
    wide = _ACCUMULATED[kind]
    first = (
        f"  %r = stablehlo.convolution(%a, %b) dim_numbers = {given}x{kernel}->{out}, window = "
        f"{{stride = {stride}, pad = {[[p, p] for p in pad]}, lhs_dilate = {base}, "
        f"rhs_dilate = {dilation}}} {{batch_group_count = 1 : i64, feature_group_count = {groups}"
        f" : i64}} : ({_tensor(left, kind)}, {_tensor(right, kind)}) -> {_tensor(result, wide)}\n"
    )
    return _function(draw, first, (left, right), kind, result, wide, orders[2].index("f"))


def product(draw: Draw) -> str | None:
    """A batched matrix product with its dimensions in any order."""
    kind = _element(draw)
    batch = draw.one((1, 1, 1, draw.size(2, 128)))
    rows, columns, depth = (
        draw.one((1, draw.size(1, 2048), draw.channels(), draw.channels(), draw.size(1, 64)))
        for _ in range(3)
    )
    if not 500 < 2 * batch * rows * columns * depth < _MOST[kind]:
        return None
    if batch * max(rows * depth, columns * depth, rows * columns) > _MOST_ELEMENTS:
        return None
    first, last = draw.flip(0.75), draw.flip(0.6)  # contracted: left's minor, right's major
    left = [rows, depth] if first else [depth, rows]
    right = [depth, columns] if last else [columns, depth]
    ends = (int(first), int(not last))
    batched, result = "", [rows, columns]
    if batch > 1:
        left, right, result = [batch, *left], [batch, *right], [batch, *result]
        ends, batched = (ends[0] + 1, ends[1] + 1), "batching_dims = [0] x [0], "
    wide = _ACCUMULATED[kind]
    text = (
        f"  %r = stablehlo.dot_general %a, %b, {batched}contracting_dims = [{ends[0]}] x"
        f" [{ends[1]}] : ({_tensor(left, kind)}, {_tensor(right, kind)}) ->"
        f" {_tensor(result, wide)}\n"
    )
    return _function(draw, text, (left, right), kind, result, wide, len(result) - 1)


def _function(
    draw: Draw,
    text: str,
    given: tuple[list[int], list[int]],
    kind: str,
    result: list[int],
    wide: str,
    feature: int,
) -> str:
    """The function around an operation `%r`, with what follows it."""
    whole, per = _tensor(result, wide), _tensor([result[feature]], wide)
    head = f"%a: {_tensor(given[0], kind)}, %b: {_tensor(given[1], kind)}"
    last = "%r"
    if draw.flip():
        zero = "0" if wide.startswith("i") else "0.0"
        head += f", %c: {per}, %d: {per}"
        spread = f"dims = [{feature}] : ({per}) -> {whole}\n"
        text += f"  %e = stablehlo.broadcast_in_dim %c, {spread}"
        text += f"  %f = stablehlo.multiply %r, %e : {whole}\n"
        text += f"  %g = stablehlo.broadcast_in_dim %d, {spread}"
        text += f"  %h = stablehlo.add %f, %g : {whole}\n"
        last = "%h"
        if draw.flip():
            text += f"  %z = stablehlo.constant dense<{zero}> : tensor<{wide}>\n"
            text += (
                f"  %y = stablehlo.broadcast_in_dim %z, dims = [] : (tensor<{wide}>) -> {whole}\n"
            )
            text += f"  %m = stablehlo.maximum %h, %y : {whole}\n"
            last = "%m"
    return f"func.func public @main({head}) -> {whole} {{\n{text}  return {last} : {whole}\n}}"


def pooling(draw: Draw) -> str | None:
    """A window over 1 to 3 dimensions of a picture."""
    kind, rank = draw.one(("f32", "f32", "f32", "bf16")), draw.one((1, 2, 2, 2, 2, 3))
    size, stride = draw.one((2, 2, 3, 3, 3, 5, 7)), draw.one((1, 1, 2, 2, 3))
    image, batch = draw.size(4, (1024, 128, 32)[rank - 1]), draw.one((1, 1, 2, 4))
    features = draw.channels(1, 512)
    low = draw.one((0, (size - 1) // 2))
    made = (image + 2 * low - size) // stride + 1
    if made < 1 or batch * image**rank * features > _MOST_ELEMENTS:
        return None
    if batch * features * made**rank * size**rank > 1e8:
        return None
    last = draw.flip(0.85)
    shape = [batch, *[image] * rank, features] if last else [batch, features, *[image] * rank]
    ends = (1, 1) if last else (2, 0)

    def along(value: int, other: int) -> list[int]:
        return [other] * ends[0] + [value] * rank + [other] * ends[1]

    result = [made if w else extent for extent, w in zip(shape, along(1, 0), strict=True)]
    word, start = draw.one((("add", "0.0"), ("maximum", "-1.0e30")))
    pads = str([[p, p] for p in along(low, 0)])
    scalar = f"tensor<{kind}>"
    return (
        f"func.func public @main(%a: {_tensor(shape, kind)}) -> {_tensor(result, kind)} {{\n"
        f"  %z = stablehlo.constant dense<{start}> : {scalar}\n"
        f'  %r = "stablehlo.reduce_window"(%a, %z) <{{padding = dense<{pads}> : '
        f"tensor<{len(shape)}x2xi64>, window_dimensions = array<i64: {_list(along(size, 1))}>, "
        f"window_strides = array<i64: {_list(along(stride, 1))}>}}> ({{\n"
        f"  ^bb0(%x: {scalar}, %y: {scalar}):\n"
        f"    %s = stablehlo.{word} %x, %y : {scalar}\n    stablehlo.return %s : {scalar}\n  }})"
        f" : ({_tensor(shape, kind)}, {scalar}) -> {_tensor(result, kind)}\n"
        f"  return %r : {_tensor(result, kind)}\n}}"
    )


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def reduction(draw: Draw) -> str | None:
    """A sum or maximum over some dimensions."""
    kind = draw.one(("f32", "f32", "f32", "bf16", "i32"))
    shape = [draw.size(1, 512) for _ in range(draw.one((1, 2, 2, 3, 3, 4)))]
    if not 64 < prod(shape) <= _MOST_ELEMENTS:
        return None
    over = sorted(
        int(d) for d in draw.generator.permutation(len(shape))[: draw.one((1, 1, 2, len(shape)))]
    )
    result = [extent for d, extent in enumerate(shape) if d not in over]
    word, scalar = draw.one(("add", "maximum", "add")), f"tensor<{kind}>"
    zero = "0" if kind == "i32" else "0.0"
    return (
        f"func.func public @main(%a: {_tensor(shape, kind)}) -> {_tensor(result, kind)} {{\n"
        f"  %z = stablehlo.constant dense<{zero}> : {scalar}\n"
        f"  %r = stablehlo.reduce(%a init: %z) applies stablehlo.{word} across dimensions = {over}"
        f" : ({_tensor(shape, kind)}, {scalar}) -> {_tensor(result, kind)}\n"
        f"  return %r : {_tensor(result, kind)}\n}}"
    )


FAMILIES: dict[str, Callable[[Draw], str | None]] = {
    "convolution": convolution,
    "small_convolution": small_convolution,
    "product": product,
    "pooling": pooling,
    "reduction": reduction,
}
