"""Operations whose results are their operands under another name: no arithmetic, no byte.

`broadcast_in_dim` and `transpose` are views where they move no element: they only add or move
dimensions of size 1 in row-major order. `bitcast_convert` is one where the element keeps its width.
`movement.py` adds slices that keep everything and pads that add nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from cosmalloc.passes.rules.rule import (
    Cost,
    Node,
    Pairs,
    Role,
    Rule,
    each_views_its_own,
    first_views_first,
    free,
    no_pairs,
)


def view_if(still: Callable[[Node], bool], role: Role, cost: Callable[[Node], Cost]) -> Rule:
    """The rule of a view where `still` holds; elsewhere the operation has `role` and `cost`."""

    def role_of(node: Node) -> Role:
        return "view" if still(node) else role

    def cost_of(node: Node) -> Cost:
        return free(node) if still(node) else cost(node)

    def views(node: Node) -> Pairs:
        return first_views_first(node) if still(node) else no_pairs(node)

    return Rule(role_of, cost_of, views=views)


def _rises(dimensions: Sequence[int]) -> bool:
    return all(a < b for a, b in pairwise(dimensions))


def _broadcast_stays(node: Node) -> bool:
    if node.operands[0].elements != node.results[0].elements:
        return False
    shape = node.operands[0].shape
    targets = node.numbers("broadcast_dimensions", ())
    return _rises([t for t, size in zip(targets, shape, strict=True) if size != 1])


def _transpose_stays(node: Node) -> bool:
    shape = node.operands[0].shape
    return _rises([d for d in node.numbers("permutation", ()) if shape[d] != 1])


def _bits_stay(node: Node) -> bool:
    before, after = node.operands[0], node.results[0]
    return before.shape == after.shape and before.bits == after.bits


def _moved(node: Node) -> Cost:
    return node.all_bytes()


FIRST = Rule("view", free, views=first_views_first)
EACH = Rule("view", free, views=each_views_its_own)

RULES: dict[str, Rule] = {
    "stablehlo.reshape": FIRST,
    "stablehlo.optimization_barrier": EACH,
    "stablehlo.bitcast_convert": view_if(_bits_stay, "movement", _moved),
    "stablehlo.broadcast_in_dim": view_if(_broadcast_stays, "broadcast", _moved),
    "stablehlo.transpose": view_if(_transpose_stays, "movement", _moved),
    "sdy.sharding_constraint": FIRST,
    "sdy.reshard": FIRST,
    "sdy.propagation_barrier": FIRST,
}
