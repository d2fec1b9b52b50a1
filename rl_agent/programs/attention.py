"""Transformers: layers over a whole sequence, and one step of decoding with a cache."""

from __future__ import annotations

from dataclasses import dataclass

from cosmalloc.rl_agent.programs.build import Build


@dataclass(frozen=True, slots=True)
class _Sizes:
    """rows: tokens in flight. seen: tokens attended to. width, heads, wide: of the model."""

    rows: int
    seen: int
    width: int
    heads: int
    wide: int


def attention(build: Build) -> None:
    """Layers of attention and two dense ones, over a whole sequence."""
    dice = build.dice
    length = dice.choice([64, 128, 256, 512])
    batch = dice.choice([1, 2, 4])
    width = dice.choice([256, 512, 768])
    sizes = _Sizes(batch * length, length, width, width // 64, width * dice.choice([2, 4]))
    x = build.tensor(sizes.rows * width, "input", "x")
    x = _normed(build, x, sizes)
    for _ in range(build.times(2, 8)):
        x = _layer(build, x, sizes, fused=dice.random() < 0.3)
    build.leaves(_dense(build, x, sizes.rows, width, dice.choice([width, 4 * width])))


def _dense(
    build: Build, x: int, rows: int, width: int, out: int, also: tuple[int, ...] = ()
) -> int:
    reads = [x, build.weight(width * out), build.weight(out), *also]
    return build.op("dot", reads, rows * out, 2.0 * rows * width * out)


def _normed(build: Build, x: int, sizes: _Sizes) -> int:
    size = build.elements(x)
    reads = [x, build.weight(sizes.width), build.weight(sizes.width)]
    return build.op("normalize", reads, size, 8.0 * size)


def _layer(build: Build, x: int, sizes: _Sizes, fused: bool) -> int:
    rows, width = sizes.rows, sizes.width
    query, key, value = (_dense(build, x, rows, width, width) for _ in range(3))
    scores = sizes.heads * rows * sizes.seen
    work = 2.0 * rows * sizes.seen * width
    if fused:
        mixed = build.op("attention", [query, key, value], rows * width, 2 * work)
    else:
        weights = build.op("dot", [query, key], scores, work)
        weights = build.op("softmax", [weights], scores, 5.0 * scores)
        mixed = build.op("dot", [weights, value], rows * width, work)
    x = _normed(build, _dense(build, mixed, rows, width, width, (x,)), sizes)
    hidden = _dense(build, x, rows, width, sizes.wide)
    return _normed(build, _dense(build, hidden, rows, sizes.wide, width, (x,)), sizes)


def decoding(build: Build) -> None:
    """One token per sequence; each layer writes its row into two caches and reads them whole."""
    dice = build.dice
    batch, seen = dice.choice([1, 4, 16]), dice.choice([128, 512, 1024])
    width = dice.choice([256, 512, 768])
    sizes = _Sizes(batch, seen, width, width // 64, 4 * width)
    x = build.tensor(batch * width, "input", "x")
    for _ in range(build.times(2, 8)):
        x = _token(build, x, sizes)
    build.leaves(_dense(build, x, batch, width, dice.choice([4096, 16384])))


def _token(build: Build, x: int, sizes: _Sizes) -> int:
    rows, width = sizes.rows, sizes.width
    query = _dense(build, x, rows, width, width)
    caches = []
    for _ in range(2):
        row = _dense(build, x, rows, width, width)
        cache = build.tensor(rows * sizes.seen * width, "input", "cache")
        after = build.op("dynamic_update_slice", [cache, row], rows * sizes.seen * width, 0)
        written = build.tensors[row].bytes
        build.accessed(len(build.operators) - 1, cache, 0)
        build.accessed(len(build.operators) - 1, after, written)
        build.in_place(cache, after)
        build.leaves(after)
        caches.append(after)
    work = 4.0 * rows * sizes.seen * width
    mixed = build.op("attention", [query, *caches], rows * width, work)
    x = _normed(build, _dense(build, mixed, rows, width, width, (x,)), sizes)
    hidden = _dense(build, x, rows, width, sizes.wide)
    return _normed(build, _dense(build, hidden, rows, sizes.wide, width, (x,)), sizes)
