"""The exact search against brute force: every feature, both directions."""

from __future__ import annotations

import itertools
import signal
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc import native
from cosmalloc.errors import InputError


@dataclass(frozen=True)
class Case:
    """A packing problem as plain lists: what the brute force reads."""

    rows: list[tuple[int, int, int]]  # lower, upper, size
    alignment: list[int]
    fixed: list[int]
    alias: list[int]
    gaps: list[tuple[int, int, int]]

    def cells(self, i: int) -> set[int]:
        """Steps in which buffer i holds its bytes."""
        lower, upper, _ = self.rows[i]
        free = {s for b, x, y in self.gaps if b == i for s in range(x, y)}
        return set(range(lower, upper)) - free

    def legal(self, offsets: list[int]) -> bool:
        """The definition: alignment, fixed offsets, one offset a group, no byte shared."""
        for i, at in enumerate(offsets):
            idle = self.rows[i][2] == 0 or not self.cells(i)
            if self.fixed[i] >= 0 and at != self.fixed[i]:
                return False
            if at % self.alignment[i] and not idle:
                return False
            for j in range(i):
                low = max(at, offsets[j])
                high = min(at + self.rows[i][2], offsets[j] + self.rows[j][2])
                together = self.cells(i) & self.cells(j)
                grouped = self.alias[i] >= 0 and self.alias[i] == self.alias[j]
                if grouped and at != offsets[j] and not idle and self.cells(j):
                    return False
                if together and low < high and not grouped:
                    return False
        return True

    def peak(self, offsets: list[int]) -> int:
        """Highest byte in use plus one."""
        return max(
            (
                at + r[2]
                for i, (at, r) in enumerate(zip(offsets, self.rows, strict=True))
                if self.cells(i)
            ),
            default=0,
        )

    def smallest_peak(self) -> int | None:
        """By trying every offset that could matter, None where no plan exists."""
        top = sum(r[2] for r in self.rows) + max(self.fixed, default=0) + 24
        places = [
            [f] if f >= 0 else range(0, top, a)
            for f, a in zip(self.fixed, self.alignment, strict=True)
        ]
        best: int | None = None
        for offsets in itertools.product(*places):
            peak = self.peak(list(offsets))
            if (best is None or peak < best) and self.legal(list(offsets)):
                best = peak
        return best


@st.composite
def cases(draw: st.DrawFn, most: int = 3) -> Case:
    """Up to `most` buffers with every feature."""
    count = draw(st.integers(1, most))
    rows, gaps = [], []
    for i in range(count):
        lower = draw(st.integers(0, 5))
        upper = lower + draw(st.integers(1, 5))
        rows.append((lower, upper, draw(st.integers(1, 5))))
        if upper - lower > 2 and draw(st.booleans()):
            start = draw(st.integers(lower + 1, upper - 1))
            gaps.append((i, start, draw(st.integers(start, upper - 1))))
    alignment = [draw(st.sampled_from([1, 1, 2, 3])) for _ in rows]
    alias = [draw(st.sampled_from([-1, -1, -1, 0])) for _ in rows]
    fixed = [-1 if draw(st.integers(0, 3)) else a * draw(st.integers(0, 3)) for a in alignment]
    return Case(rows, alignment, fixed, alias, gaps)


def columns(case: Case) -> tuple[list[int], list[int], list[int]]:
    """lower, upper, size."""
    lower, upper, size = zip(*case.rows, strict=True)
    return list(lower), list(upper), list(size)


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(0, 3))
def test_the_smallest_peak_is_that_of_brute_force(case: Case, seed: int) -> None:
    best = case.smallest_peak()
    features = {
        "alignment": case.alignment, "fixed": case.fixed, "alias": case.alias, "gaps": case.gaps
    }  # fmt: skip
    if best is None:
        with pytest.raises(InputError):
            native.minimize(*columns(case), **features, seed=seed)  # type: ignore[arg-type]
        return
    least = native.minimize(*columns(case), **features, seed=seed)  # type: ignore[arg-type]
    assert case.legal(least.offsets.tolist())
    assert (least.status, least.peak, least.bound) == ("optimal", best, best)
    assert case.peak(least.offsets.tolist()) == best
    for capacity, status in ((best, "feasible"), (best - 1, "infeasible")):
        if capacity >= 0:
            found = native.fit(*columns(case), capacity, **features, seed=seed)  # type: ignore[arg-type]
            assert found.status == status
            if found.offsets is not None:
                assert case.legal(found.offsets.tolist())
                assert case.peak(found.offsets.tolist()) <= capacity


def smallest_peak_of_plain(rows: list[tuple[int, int, int]], alignment: int) -> int:
    """The least peak over all sequences of first fit: placing an optimum's buffers again in the
    sequence of their offsets never lifts one, so some sequence reaches it."""
    best = sum(s + alignment for _, _, s in rows)
    for order in itertools.permutations(range(len(rows))):
        placed: list[tuple[int, int, int, int]] = []
        for i in order:
            lower, upper, size = rows[i]
            at = 0
            for _, _, other, there in sorted(
                (p for p in placed if p[0] < upper and lower < p[1]), key=lambda p: p[3]
            ):
                if at + size > there:
                    at = max(at, -(-(there + other) // alignment) * alignment)
            placed.append((lower, upper, size, at))
        best = min(best, max(p[2] + p[3] for p in placed))
    return best


plain = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=6
).map(lambda rows: [(a, a + n, s) for a, n, s in rows])


@settings(max_examples=120, deadline=None)
@given(plain, st.sampled_from([1, 1, 4]), st.integers(0, 31))
def test_no_deduction_loses_the_optimum(
    rows: list[tuple[int, int, int]], alignment: int, switches: int
) -> None:
    best = smallest_peak_of_plain(rows, alignment)
    lower, upper, size = zip(*rows, strict=True)
    blocks = native.Buffers(lower, upper, size, alignment=alignment).blocks
    on = [bool(switches >> i & 1) for i in range(5)]
    assert blocks.fit(best, 60.0, 0, 1, *on)[0] == 0
    assert blocks.fit(best - 1, 60.0, 0, 1, *on)[0] == 1
    assert blocks.minimize(60.0, 0, 1)[1:3] == (best, best)


@settings(max_examples=30, deadline=None)
@given(plain, st.integers(0, 5))
def test_the_result_depends_on_seed_and_threads_only(
    rows: list[tuple[int, int, int]], seed: int
) -> None:
    lower, upper, size = zip(*rows, strict=True)
    for threads in (1, 2):
        once = native.minimize(lower, upper, size, seed=seed, threads=threads)
        twice = native.minimize(lower, upper, size, seed=seed, threads=threads)
        assert once.offsets.tolist() == twice.offsets.tolist()
        assert once.peak == once.bound


def hidden(count: int) -> tuple[list[int], list[int], list[int]]:
    """64 steps by 2**20 bytes, cut in `count` pieces: fits with no byte to spare."""
    pieces = [(0, 64, 0, 2**20)]
    for turn in range(count - 1):
        pieces.sort(key=lambda p: (p[1] - p[0]) * (p[3] - p[2]))
        a, b, low, high = pieces.pop()
        if (turn % 2 or high - low < 2048) and b - a > 1:
            cut = a + (b - a) * (1 + turn % 3) // 4 or a + 1
            cut = min(max(cut, a + 1), b - 1)
            pieces += [(a, cut, low, high), (cut, b, low, high)]
        else:
            middle = low + (high - low) * (2 + turn % 5) // 8
            pieces += [(a, b, low, middle), (a, b, middle, high)]
    return (
        [p[0] for p in pieces],
        [p[1] for p in pieces],
        [p[3] - p[2] for p in pieces],
    )


def test_a_hidden_perfect_packing_is_found_and_one_byte_less_refuted() -> None:
    buffers = hidden(60)
    found = native.fit(*buffers, 2**20, seconds=30)
    assert found.status == "feasible"
    assert native.fit(*buffers, 2**20 - 1).status == "infeasible"
    assert native.minimize(*buffers, seconds=30).peak == 2**20


def test_no_time_is_an_answer_without_a_plan() -> None:
    buffers = hidden(60)
    least = native.minimize(*buffers, seconds=0)
    assert least.peak >= least.bound == 2**20


def test_large_numbers_are_handled() -> None:
    least = native.minimize([0, 5, 0], [10**7, 2**50, 9], [2**40, 2**40, 2**40], seconds=5)
    assert least.peak == 3 * 2**40
    assert native.minimize([], [], []).peak == 0
    assert native.minimize([3, 1], [3, 4], [7, 0], fixed=[-1, 5]).offsets.tolist() == [0, 5]


def hopeless(count: int) -> tuple[list[int], list[int], list[int]]:
    """Random buffers, nothing in common, far too many to reach the load."""
    random = np.random.default_rng(0)
    lower = random.integers(0, 10 * count, count)
    upper = lower + random.integers(1, 5 * count, count)
    return lower.tolist(), upper.tolist(), random.integers(1, 10**6, count).tolist()


def test_a_signal_whose_handler_raises_ends_the_search_with_what_it_has() -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    hard = hopeless(1500)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        least = native.minimize(*hard, seconds=300)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert least.interrupted
    assert least.peak > least.bound


def test_progress_is_told_as_it_is_made() -> None:
    told: list[tuple[int, int]] = []
    least = native.minimize(*hopeless(300), seconds=0.5, progress=lambda *now: told.append(now))
    assert told[-1] == (least.peak, least.bound)
    assert all(a[0] >= b[0] >= b[1] >= a[1] for a, b in itertools.pairwise(told))


def test_what_progress_raises_ends_the_search() -> None:
    def refuse(_peak: int, _bound: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        native.minimize(*hopeless(300), seconds=300, progress=refuse)
