"""Neighbourhoods of a program and the ways to fuse them.

A neighbourhood is a few groups of `single` that legal merges connect. A variant is a partition of
them that a row of legal merges makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from cosmalloc.passes.group_search import Members, legal_merges
from cosmalloc.passes.group_state import Groups

Variant: TypeAlias = "tuple[Members, ...]"  # the groups of a neighbourhood, by rising last member
LARGEST = 6  # groups of a neighbourhood
MOST_SEEN = 200  # partitions looked at before some are drawn


@dataclass(frozen=True)
class Neighbourhood:
    """variants: no merge first; rule: which of them the policy `fuse` makes."""

    variants: tuple[Variant, ...]
    rule: int


def neighbourhoods(
    state: Groups, goal: Groups, count: int, variants: int, seed: int
) -> Iterator[Neighbourhood]:
    """At most `count`, drawn at random, with 2 to `variants` variants each.

    state: groups of `single`; goal: of `fuse`, for the same block.
    """
    draw = np.random.default_rng(seed)
    pairs = list(legal_merges(state))
    seen: set[frozenset[int]] = set()
    for index in draw.permutation(len(pairs))[: 4 * count]:
        roots = _grown(pairs, pairs[index], int(draw.integers(2, LARGEST + 1)), draw)
        if roots in seen:
            continue
        seen.add(roots)
        yield _with_variants(state, goal, roots, variants, draw)
        if len(seen) == count:
            return


def _grown(
    pairs: Sequence[tuple[int, int]],
    begin: tuple[int, int],
    size: int,
    draw: np.random.Generator,
) -> frozenset[int]:
    roots = set(begin)
    while len(roots) < size:
        near = sorted({r for pair in pairs if roots & set(pair) for r in pair} - roots)
        if not near:
            break
        roots.add(near[int(draw.integers(len(near)))])
    return frozenset(roots)


def _with_variants(
    state: Groups, goal: Groups, roots: frozenset[int], most: int, draw: np.random.Generator
) -> Neighbourhood:
    own = _as_ruled(state, goal, roots)
    found = list(dict.fromkeys((*_partitions(state, roots), own)))
    first, rest = found[0], found[1:]
    if len(found) > most:
        others = [variant for variant in rest if variant != own]
        chosen = draw.permutation(len(others))[: most - 1 - (own != first)]
        kept = {own, *(others[index] for index in chosen)}
        rest = [variant for variant in rest if variant in kept]
    variants = (first, *rest)
    return Neighbourhood(variants, variants.index(own))


def _partitions(state: Groups, roots: frozenset[int]) -> Iterator[Variant]:
    """Every partition that legal merges make, fewer merges first; at most `MOST_SEEN`."""
    members = {member for root in roots for member in state.members[root]}
    waiting, seen = [state], {variant_of(state, members)}
    yield variant_of(state, members)
    while waiting:
        current = waiting.pop(0)
        for early, late in _inside(current, members):
            after = copied(current)
            after.merge(early, late)
            variant = variant_of(after, members)
            if variant not in seen:
                seen.add(variant)
                waiting.append(after)
                yield variant
            if len(seen) >= MOST_SEEN:
                return


def _as_ruled(state: Groups, goal: Groups, roots: frozenset[int]) -> Variant:
    """What `fuse` makes of a neighbourhood that is all it sees."""
    members = {member for root in roots for member in state.members[root]}
    current = copied(state)
    while True:
        ruled = (pair for pair in _inside(current, members) if len(set(map(goal.root, pair))) == 1)
        pair = next(ruled, None)
        if pair is None:
            return variant_of(current, members)
        current.merge(*pair)


def _inside(state: Groups, members: set[int]) -> Iterator[tuple[int, int]]:
    yield from legal_merges(state, members)


def variant_of(state: Groups, members: Iterable[int]) -> Variant:
    """The groups that these operations are in now."""
    roots = sorted({state.root(member) for member in members})
    return tuple(tuple(sorted(state.members[root])) for root in roots)


def copied(state: Groups) -> Groups:
    """The same groups, to be merged apart from `state`."""
    return replace(
        state,
        parent=list(state.parent),
        members={root: list(members) for root, members in state.members.items()},
        pure=list(state.pure),
        apart=list(state.apart),
    )
