"""Random trees of small operations on tensors of random ranks: what no other family has."""

from __future__ import annotations

from typing import Any

from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.pointwise import binary, select, unary
from cosmalloc.cost_model.corpus.reductions import reduce
from cosmalloc.cost_model.corpus.reshaping import move
from cosmalloc.cost_model.corpus.sequence_layers import floats

SMALLEST, LARGEST = 2_000, 1_500_000  # elements of an input


def elementwise(draw: Draw) -> Model:
    """Two to five independent trees, each on inputs of its own sizes.

    The steps are drawn while the function runs, from a seed drawn here: it traces to the same
    operations every time.
    """
    trees = [_shapes(draw) for _ in range(draw.one(range(2, 6)))]
    seed = draw.size(1, 2**31 - 1)

    def apply(params: Any, *inputs: Array) -> Any:
        steps = Draw(seed)
        return [_tree(steps, [x, *own]) for x, own in zip(inputs, params, strict=True)]

    params = [[floats(draw, *shape) for shape in shapes[1:]] for shapes in trees]
    return apply, (params, *(floats(draw, *shapes[0]) for shapes in trees))


def _shapes(draw: Draw) -> list[tuple[int, ...]]:
    """The shape of an input, and of operands that it meets: as large, or broadcast to it."""
    rank = draw.one((1, 2, 2, 2, 3, 3, 3, 4, 4, 5))
    elements = draw.size(SMALLEST, LARGEST)
    shape: list[int] = []
    left = elements
    for i in range(rank):
        size = left if i == rank - 1 else draw.size(1, max(2, left))
        shape.append(size // 8 * 8 if size > 8 and draw.flip(0.4) else size)
        left = max(1, left // shape[-1])
    order = draw.generator.permutation(rank)
    whole = tuple(shape[i] for i in order)
    shapes: list[tuple[int, ...]] = [whole]
    for _ in range(draw.one((1, 2, 3))):
        if draw.flip():
            shapes.append(whole)
        else:
            shapes.append(tuple(n if draw.flip() else 1 for n in whole))
    return shapes


def _tree(draw: Draw, pool: list[Array]) -> list[Array]:
    """Steps until the operands are used up and some more; what no step has read is returned."""
    read = [False] * len(pool)
    for _ in range(draw.size(2, 24)):
        i = draw.one([j for j, used in enumerate(read) if not used][-3:] or [len(pool) - 1])
        x, kind = pool[i], draw.generator.random()
        read[i] = True
        if kind < 0.4:
            y = unary(draw, x)
        elif kind < 0.7:
            j = _partner(draw, pool, i)
            read[j] = True
            y = binary(draw, x, pool[j]) if draw.flip(0.8) else select(draw, x, pool[j])
        elif kind < 0.82:
            y = reduce(draw, x)
        else:
            y = move(draw, x, [z for z in pool if z.shape == x.shape])
        pool.append(y)
        read.append(False)
    return [x for x, used in zip(pool, read, strict=True) if not used]


def _partner(draw: Draw, pool: list[Array], i: int) -> int:
    """A tensor that broadcasts against `pool[i]` without making it larger; rarely itself."""
    shape = pool[i].shape
    fits = [j for j, other in enumerate(pool) if j != i and _broadcasts(other.shape, shape)]
    return draw.one(fits[-4:]) if fits else i


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    if len(small) > len(large):
        return False
    ends = zip(small[::-1], large[::-1], strict=False)
    return all(a in (1, b) for a, b in ends)
