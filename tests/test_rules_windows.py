"""Windows counted in closed form are the windows counted one by one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.passes.rules.windows import Window, hits, pairs, touched

few = st.integers(0, 9)
some = st.integers(1, 6)


def _meets(w: Window) -> list[int]:
    """Input positions met, once per (output, window position) pair."""
    places = (w.stride * o + w.dilation * k - w.low for o in range(w.out) for k in range(w.size))
    return [
        p // w.base_dilation
        for p in places
        if p % w.base_dilation == 0 and 0 <= p // w.base_dilation < w.n
    ]


@settings(max_examples=300, deadline=None)
@given(count=few, step=some, start=st.integers(-30, 30), size=few, period=some)
def test_hits_are_those_of_a_walk(
    count: int, step: int, start: int, size: int, period: int
) -> None:
    walk = [start + step * t for t in range(count)]
    assert hits(count, step, start, size, period) == sum(
        1 for p in walk if p % period == 0 and 0 <= p // period < size
    )


windows = st.builds(
    Window,
    n=few,
    out=few,
    size=some,
    stride=some,
    low=st.integers(-4, 6),
    base_dilation=st.integers(1, 4),
    dilation=st.integers(1, 4),
)


@settings(max_examples=300, deadline=None)
@given(w=windows)
def test_pairs_are_counted_one_by_one(w: Window) -> None:
    assert pairs(w) == len(_meets(w))


@settings(max_examples=300, deadline=None)
@given(w=windows)
def test_touched_positions_are_never_too_few_and_exact_for_plain_windows(w: Window) -> None:
    really = len(set(_meets(w)))
    assert really <= touched(w) <= w.n
    if w.dilation == 1 and w.base_dilation == 1:
        assert touched(w) == really


def test_a_window_of_a_million_positions_is_counted_at_once() -> None:
    assert pairs(Window(n=10**6, out=10**6, size=1, stride=1, low=0)) == 10**6
    assert touched(Window(n=10**6, out=10**6, size=3, stride=1, low=1)) == 10**6
