"""Nets of convolutions: plain chains, residual blocks, a U with long skips."""

from __future__ import annotations

from cosmalloc.rl_agent.programs.build import Build


def convolution(
    build: Build,
    x: int,
    shape: tuple[int, int, int],
    channels: int,
    kernel: int,
    also: tuple[int, ...] = (),
    depthwise: bool = False,
) -> int:
    """A convolution of `x`, shape (images, pixels, channels), with what follows it element by
    element folded in; `also` are added."""
    images, pixels, before = shape
    filters = kernel * channels * (1 if depthwise else before)
    made = images * pixels * channels
    reads = [x, build.weight(filters), build.weight(channels), *also]
    return build.op("convolution", reads, made, 2.0 * images * pixels * filters)


def _image(build: Build) -> tuple[int, int, int]:
    """Images, pixels, channels of the first layer."""
    dice = build.dice
    return dice.choice([1, 4, 8]), dice.choice([56, 112, 160]) ** 2, dice.choice([16, 32, 64])


def _entry(build: Build, shape: tuple[int, int, int]) -> int:
    images, pixels, channels = shape
    x = build.tensor(images * pixels * 3, "input", "x")
    return convolution(build, x, (images, pixels, 3), channels, 9)


def _head(build: Build, x: int, shape: tuple[int, int, int]) -> None:
    images, _, channels = shape
    classes = build.dice.choice([10, 1000])
    pooled = build.op("reduce", [x], images * channels, build.elements(x))
    reads = [pooled, build.weight(channels * classes), build.weight(classes)]
    build.leaves(build.op("dot", reads, images * classes, 2.0 * images * channels * classes))


def chain(build: Build) -> None:
    """One layer after the other, some of them depthwise pairs, narrower and deeper by and by."""
    shape = _image(build)
    x = _entry(build, shape)
    for _ in range(build.times(12, 50)):
        images, pixels, channels = shape
        if build.dice.random() < 0.15 and pixels > 200:
            shape = (images, pixels // 4, min(1024, channels * 2))
        images, pixels, wider = shape
        if build.dice.random() < 0.4:
            x = convolution(build, x, (images, pixels, channels), channels, 9, depthwise=True)
        x = convolution(
            build, x, (images, pixels, channels), wider, build.dice.choice([1, 9]), depthwise=False
        )
    _head(build, x, shape)


def residual(build: Build) -> None:
    """Blocks of two or three convolutions around which their operand goes, too."""
    shape = _image(build)
    x = _entry(build, shape)
    narrow = build.dice.choice([1, 4])
    for stage in range(build.times(2, 4)):
        if stage > 0:
            images, pixels, channels = shape
            shape = (images, max(16, pixels // 4), channels * 2)
            x = convolution(build, x, (images, shape[1], channels), channels * 2, 1)
        for _ in range(build.times(2, 5)):
            x = _block(build, x, shape, narrow)
    _head(build, x, shape)


def _block(build: Build, x: int, shape: tuple[int, int, int], narrow: int) -> int:
    images, pixels, channels = shape
    inside = channels // narrow
    y = convolution(build, x, shape, inside, 1 if narrow > 1 else 9)
    if narrow > 1:
        y = convolution(build, y, (images, pixels, inside), inside, 9)
    return convolution(build, y, (images, pixels, inside), channels, 1 if narrow > 1 else 9, (x,))


def u_shape(build: Build) -> None:
    """Down and up again; what is made on the way down is read on the way up."""
    images, pixels, channels = _image(build)
    x = _entry(build, (images, pixels, channels))
    skips: list[tuple[int, int, int]] = []
    for _ in range(build.times(2, 4)):
        for _ in range(build.dice.randint(1, 2)):
            x = convolution(build, x, (images, pixels, channels), channels, 9)
        skips.append((x, pixels, channels))
        pixels, channels = max(16, pixels // 4), channels * 2
        x = convolution(build, x, (images, pixels, channels // 2), channels, 9)
    for skip, wide, few in reversed(skips):
        up = build.op("upsample", [x], images * wide * few, 4.0 * images * wide * few)
        both = build.op("concatenate", [skip, up], 2 * images * wide * few, 0)
        x = convolution(build, both, (images, wide, 2 * few), few, 9)
        x = convolution(build, x, (images, wide, few), few, 9)
        pixels, channels = wide, few
    build.leaves(convolution(build, x, (images, pixels, channels), 4, 1))
