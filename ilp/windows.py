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

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from cosmalloc.greedy.uses import Bools, uses_of
from cosmalloc.greedy.working_set import in_place_pairs
from cosmalloc.ilp.facts import Facts, facts_of
from cosmalloc.ilp.layout import Layout
from cosmalloc.ilp.parts import Part, Steps, part_of
from cosmalloc.ilp.pinned import pinned_offsets
from cosmalloc.ilp.search import beam, best_first
from cosmalloc.lifetimes import lifetimes

WIDTHS = (16, 32, 64, 128)  # steps
PASSING = 6  # tensors without a use in the window that may be dropped in it
BEAM = 6
FIRST = 0.05  # seconds for a window
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


def replanned(
    layout: Layout, window: Window, seconds: float, seed: int
) -> tuple[Layout | None, bool]:
    """A layout that pays less in the window, None where none was found; whether there is none."""
    stop = time.perf_counter() + seconds
    for share in TIGHTER:
        steps, certain = cheaper(layout, window, stop - time.perf_counter(), share)
        if steps is None:
            return None, certain and share == 1
        packed = pinned_offsets(spliced(layout, window, steps), layout, window, seed)
        if packed is not None:
            return packed, False
    return None, False


def cheaper(
    layout: Layout, window: Window, seconds: float, share: float
) -> tuple[Steps | None, bool]:
    """Steps for the window that pay less in `share` of the room, without regard to offsets; whether
    it is certain that none do, or none less than these."""
    if seconds <= 0:
        return None, False
    part, facts, whole = opened(layout, window, share)
    rank = tuple(range(facts.operators))
    path = beam(facts, BEAM, seconds / 2, rank)
    below = window.pays if path is None else min(window.pays, path.paid)
    found = best_first(facts, seconds / 2, below)
    path = found.path if found.path is not None else path
    certain = found.proven and whole
    if path is None or path.paid >= window.pays:
        return None, certain
    return part.steps_of(facts, path), certain


def opened(layout: Layout, window: Window, share: float) -> tuple[Part, Facts, bool]:
    """The window as a part, its facts, and whether every tensor that passes through is in it."""
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
    if frozen or share < 1:
        taken = int(uses.size[sorted(frozen)].sum())
        facts = replace(facts, room=int(facts.room * share) - taken, brim=0)
    return part, facts, not frozen


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


@dataclass
class Search:
    """Windows of a layout searched in turn; mutable. better: layouts, each better than before.

    tried: per window, known by the operators in it, the seconds that were not enough; infinite
    where it can't get better.
    """

    layout: Layout
    seed: int
    tried: dict[tuple[int, ...], float] = field(default_factory=dict)

    def better(self, stop: float, seconds: float) -> Iterator[Layout]:
        """Until no window of any width gets better with `seconds` each, or the time is up."""
        for width in WIDTHS:
            moved = True
            while moved:
                moved = False
                for window in windows(self.layout, width):
                    left = stop - time.perf_counter()
                    if left <= 0:
                        return
                    if self._better_in(window.first, window.last, min(left, seconds)):
                        moved = True
                        yield self.layout

    def _better_in(self, first: int, last: int, seconds: float) -> bool:
        inside = self.layout.order[first:last]
        fresh = Window(first, last, pays(self.layout, first, last))
        if not fresh.pays or self.tried.get(inside, 0.0) >= seconds:
            return False
        found, hopeless = replanned(self.layout, fresh, seconds, self.seed)
        if found is None:
            self.tried[inside] = math.inf if hopeless else seconds
            return False
        self.layout = found
        return True


def search(layout: Layout, seconds: float, seed: int) -> Iterator[Layout]:
    """Better and better layouts until the time is up, or no window can be bettered at all.

    Every window gets a little time; when none gets better with that, four times as much.
    """
    stop = time.perf_counter() + seconds
    state, each = Search(layout, seed), FIRST
    while time.perf_counter() < stop and each < 4 * seconds:
        yield from state.better(stop, each)
        each *= 4
