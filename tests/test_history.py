"""How a solver came to its answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from nets import chain

import cosmalloc
from cosmalloc.history import Recorder, Standing
from cosmalloc.interchange import outcome_from_json, outcome_to_json
from cosmalloc.plan import Moment, Outcome
from cosmalloc.problem import Problem


def tight(problem: Problem, share: float = 0.6) -> Problem:
    """The problem with a share of the scratchpad that holds everything."""
    roomy = replace(problem, target=replace(problem.target, scratchpad_bytes=2**30))
    least = cosmalloc.solve(roomy, objective="peak", solver="greedy").value
    assert least is not None
    return replace(problem, target=replace(problem.target, scratchpad_bytes=int(least * share)))


def test_a_recorder_keeps_a_moment_only_where_more_is_known_and_passes_every_word_on() -> None:
    heard: list[tuple[str, float]] = []
    ticks = iter((0.25, 0.5, 2.0))
    recorder = Recorder(lambda: next(ticks), lambda words, share: heard.append((words, share)))
    recorder("reading", 0.0)
    recorder(Standing("9 bytes", 9, 1), 0.1)
    recorder(Standing("9 bytes", 9, 1), 0.2)
    recorder(Standing("9 bytes, at least 4", 9, 4), 0.3)
    end = Outcome("p", "s", "infeasible", "traffic")
    assert recorder.history(end) == (
        Moment(0.25, 9, 1),
        Moment(0.5, 9, 4),
        Moment(2.0, None, None),
    )
    assert [words for words, _ in heard] == ["reading", "9 bytes", "9 bytes", "9 bytes, at least 4"]


def test_values_fall_bounds_rise_and_the_last_moment_is_the_outcomes() -> None:
    problem = tight(chain(60, seed=4))
    outcome = cosmalloc.solve(problem, seconds=4)
    history = outcome.history
    assert (history[-1].value, history[-1].bound) == (outcome.value, outcome.bound)
    assert len(history) >= 2
    for before, after in pairwise(history):
        assert before.seconds <= after.seconds <= outcome.seconds
        assert before.value is not None
        assert after.value is not None
        assert before.value >= after.value
        assert (before.bound or 0) <= (after.bound or 0)


def test_a_history_survives_its_file() -> None:
    problem = tight(chain(20, seed=1))
    outcome = cosmalloc.solve(problem, solver="greedy")
    again = outcome_from_json(outcome_to_json(outcome, problem), problem)
    assert again.history == outcome.history != ()
