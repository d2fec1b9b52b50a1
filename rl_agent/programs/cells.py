"""Searched cells: small graphs with many branches, each cell reading the two before it."""

from __future__ import annotations

from cosmalloc.rl_agent.programs.build import Build
from cosmalloc.rl_agent.programs.convolutions import convolution


def cells(build: Build) -> None:
    """Each cell draws, for some nodes, two earlier nodes and what is done to them; all nodes that
    nobody read are put together. Every cell of a program is wired alike."""
    dice = build.dice
    images, pixels = dice.choice([1, 8]), dice.choice([28, 56, 112]) ** 2
    channels = dice.choice([16, 32, 48])
    wiring = [
        (dice.randrange(2 + node), dice.randrange(2 + node), dice.random() < 0.6)
        for node in range(dice.randint(3, 5))
    ]
    x = build.tensor(images * pixels * 3, "input", "x")
    last = convolution(build, x, (images, pixels, 3), channels, 9)
    before = last
    for _ in range(build.times(3, 8)):
        if dice.random() < 0.2 and pixels > 200:
            smaller = (images, pixels // 4, channels)
            last, before = (convolution(build, t, smaller, channels * 2, 1) for t in (last, before))
            pixels, channels = pixels // 4, channels * 2
        shape = (images, pixels, channels)
        before, last = last, _cell(build, before, last, shape, wiring)
    build.leaves(build.op("reduce", [last], images * channels, build.elements(last)))


def _cell(
    build: Build,
    before: int,
    last: int,
    shape: tuple[int, int, int],
    wiring: list[tuple[int, int, bool]],
) -> int:
    images, pixels, channels = shape
    nodes = [before, last]
    used: set[int] = set()
    for one, two, convolves in wiring:
        branch = nodes[one]
        if convolves:
            branch = convolution(build, branch, shape, channels, 9, depthwise=True)
            branch = convolution(build, branch, shape, channels, 1)
        size = images * pixels * channels
        nodes.append(build.op("add", [branch, nodes[two]], size, size))
        used |= {one, two}
    free = [node for index, node in enumerate(nodes) if index >= 2 and index not in used]
    wide = len(free) * images * pixels * channels
    if len(free) == 1:
        return free[0]
    joined = build.op("concatenate", free, wide, 0)
    return convolution(build, joined, (images, pixels, len(free) * channels), channels, 1)
