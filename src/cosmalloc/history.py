"""How a solver came to its answer: the best value and the proven bound over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

from cosmalloc.plan import Moment, Outcome

Progress = Callable[[str, float], None]


class Standing(str):
    """Words of progress that also say where the search stands.

    A solver calls `progress(Standing(words, value, bound), share)`; a listener sees words.
    value: of the best plan so far; bound: proven; None where there is none yet.
    """

    __slots__ = ("bound", "value")
    value: float | None
    bound: float | None

    def __new__(cls, words: str, value: float | None, bound: float | None) -> Self:
        made = super().__new__(cls, words)
        made.value, made.bound = value, bound
        return made


class Interrupted(str):
    """Words of progress: Ctrl-C ended the search, and there is a plan."""

    __slots__ = ()


class Known(NamedTuple):
    """What a moment knows beside its time."""

    value: float | None
    bound: float | None


class Recorder:
    """A `progress` that passes everything on and keeps the moments at which more was known."""

    def __init__(self, clock: Callable[[], float], progress: Progress | None) -> None:
        """clock: seconds since the solver started."""
        self._clock = clock
        self._progress = progress
        self._moments: list[Moment] = []

    def __call__(self, words: str, share: float) -> None:
        if isinstance(words, Standing):
            self._keep(Known(words.value, words.bound))
        if self._progress is not None:
            self._progress(words, share)

    def history(self, outcome: Outcome) -> tuple[Moment, ...]:
        """Every moment, the last one the outcome's own."""
        self._keep(Known(outcome.value, outcome.bound))
        return tuple(self._moments)

    def _keep(self, known: Known) -> None:
        last = self._moments[-1] if self._moments else None
        if last is None or (last.value, last.bound) != known:
            self._moments.append(Moment(self._clock(), known.value, known.bound))
