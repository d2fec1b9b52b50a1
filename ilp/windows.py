"""Large neighbourhood search: a window of steps is planned anew, everything around it is pinned.

Window [a, b) of a layout: its operators may run in any order, its links be kept or dropped, and
what is on chip only there lie anywhere. Pinned: what is on chip on border a or b is there again, at
its offset, or its link over the border is dropped for good; what is not, is not. So the new steps
fit between the old ones, and the bytes paid change by what the window pays:

    pays = sum over dropped links inside of bytes + bytes of each store that only they ask for

The part is searched for less than that (see `parts`), its stays are packed among the pinned ones.
Tensors that pass through without a use compete with the others if they are among the largest; the
rest only takes room.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cosmalloc.greedy.uses import Bools, uses_of
from cosmalloc.greedy.working_set import in_place_pairs
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.layout import Layout
from cosmalloc.ilp.parts import Steps, part_of
from cosmalloc.ilp.pinned import pinned_offsets
from cosmalloc.ilp.search import beam, best_first
from cosmalloc.lifetimes import lifetimes

WIDTHS = (16, 32, 64, 128)  # steps
PASSING = 6  # tensors without a use in the window that may be dropped in it
BEAM = 6
TIGHTER = (1.0, 0.97, 0.92)  # of the room, where a better window could not be packed


@dataclass(frozen=True, slots=True)
class Window:
    """Steps [first, last), and the bytes paid inside."""

    first: int
    last: int
    pays: int


def windows(layout: Layout, width: int) -> list[Window]:
    """Windows of `width` steps, each half over the one before, that pay; the dearest first."""
    steps = layout.uses.steps
    starts = range(0, max(1, steps - width // 2), max(1, width // 2))
    found = [Window(a, min(a + width, steps), 0) for a in starts]
    paid = [replace(w, pays=pays(layout, w.first, w.last)) for w in found]
    return sorted((w for w in paid if w.pays), key=lambda w: (-w.pays, w.first))


def pays(layout: Layout, first: int, last: int) -> int:
    """Bytes, by the formula above."""
    inner, outer = dropped(layout, first, last)
    uses = layout.uses
    tensors = uses.tensor[inner]
    spilt = set(tensors.tolist()) - set(uses.tensor[outer].tolist())
    stores = sum(int(uses.bytes[t]) for t in spilt if uses.made[t] and not uses.output[t])
    return int(uses.bytes[tensors].sum()) + stores


def dropped(layout: Layout, first: int, last: int) -> tuple[Bools, Bools]:
    """bool[U]: the dropped links between two uses inside, and all others that are dropped."""
    uses = layout.uses
    gone = ~layout.kept & ~uses.last
    inside = (uses.step >= first) & (np.roll(uses.step, -1) < last) & ~uses.last
    return gone & inside, gone & ~inside


def crossing(layout: Layout, border: int) -> list[int]:
    """Tensors whose kept link crosses a border."""
    uses = layout.uses
    over = layout.kept & (uses.step < border) & (np.roll(uses.step, -1) >= border)
    found: list[int] = uses.tensor[over].tolist()
    return found


def replanned(layout: Layout, window: Window, seconds: float, seed: int) -> Layout | None:
    """A layout that pays less in the window; None where none was found in time."""
    stop = time.perf_counter() + seconds
    for share in TIGHTER:
        steps = cheaper(layout, window, stop - time.perf_counter(), share)
        if steps is None:
            return None
        packed = pinned_offsets(spliced(layout, window, steps), layout, window, seed)
        if packed is not None:
            return packed
    return None


def cheaper(layout: Layout, window: Window, seconds: float, share: float) -> Steps | None:
    """Steps for the window that pay less in `share` of the room, without regard to offsets."""
    if seconds <= 0:
        return None
    uses, problem = layout.uses, layout.uses.problem
    inside = layout.order[window.first : window.last]
    entry, leaving = set(crossing(layout, window.first)), set(crossing(layout, window.last))
    nodes = [problem.operators[o] for o in inside]
    used = {t for node in nodes for t in (*node.inputs, *node.outputs)}
    through = sorted((entry & leaving) - used, key=lambda t: (-problem.tensors[t].bytes, t))
    frozen = set(through[PASSING:])
    _, outer = dropped(layout, window.first, window.last)
    stored = set(uses.tensor[outer].tolist())
    part = part_of(problem, inside, entry - frozen, leaving - frozen, stored)
    facts = facts_of(part.problem)
    taken = int(uses.size[sorted(frozen)].sum())
    room = int(facts.room * share) - taken
    if frozen or share < 1:
        facts = replace(facts, room=room, brim=0)
    rank = tuple(range(facts.operators))
    path = beam(facts, BEAM, seconds / 2, rank)
    below = window.pays if path is None else min(window.pays, path.paid)
    found = best_first(facts, seconds / 2, below)
    path = found.path if found.path is not None else path
    if path is None or path.paid >= window.pays:
        return None
    return part.steps_of(facts, path)


def spliced(layout: Layout, window: Window, steps: Steps) -> Layout:
    """The layout with the window's steps in it; where its stays lie is still open (-1)."""
    first, last = window.first, window.last
    problem = layout.uses.problem
    order = (*layout.order[:first], *(o for o, _ in steps), *layout.order[last:])
    uses = uses_of(problem, lifetimes(problem, order))
    kept, offset = layout.kept.copy(), layout.offset.copy()
    here = (uses.step >= first) & (uses.step < last)
    offset[here] = -1
    inside = here & (np.roll(uses.step, -1) < last) & ~uses.last
    kept[inside] = True
    for k, (_, gone) in enumerate(steps):
        for t in gone:
            rows = uses.rows_of(t)
            behind = int(np.searchsorted(uses.step[rows], first + k))
            kept[rows.start + behind - 1] = False
    return Layout(uses, kept, offset, in_place_pairs(uses))


def search(layout: Layout, seconds: float, seed: int) -> Iterator[Layout]:
    """Better and better layouts until the time is up or no window of any width gets better.

    A window that could not be bettered is looked at again only after a step of it changed.
    """
    stop = time.perf_counter() + seconds
    settled: dict[tuple[int, int], tuple[int, ...]] = {}
    for width in WIDTHS:
        moved = True
        while moved:
            moved = False
            for window in windows(layout, width):
                left = stop - time.perf_counter()
                if left <= 0:
                    return
                key = window.first, window.last
                if settled.get(key) == layout.order[slice(*key)]:
                    continue
                share = min(left, max(0.05, seconds * width / (40 * layout.uses.steps + 1)))
                fresh = Window(*key, pays(layout, *key))
                found = replanned(layout, fresh, share, seed) if fresh.pays else None
                if found is None:
                    settled[key] = layout.order[slice(*key)]
                    continue
                layout, moved = found, True
                yield layout
