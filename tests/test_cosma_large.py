"""The benchmark of large programs, on small ones; no test here measures time."""

from __future__ import annotations

import pytest

from benchmarks import cosma_large, large_models
from benchmarks.cosma_large import Answer, Row, budgets, rows, summary
from cosmalloc.working_set import working_set_bytes


def test_a_training_step_becomes_three_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(large_models.MODELS, "small", lambda: large_models.mlp_train(2, 8))
    found = list(rows("small", "all", (0.5,)))
    assert [row.budget for row in found] == ["M_R", "M_H", "M_P"]
    assert found[0].scratchpad < found[2].scratchpad
    assert all(not row.worse for row in found)
    assert found[2].ours[0].value == 0
    assert len(found[0].cells()) == len(cosma_large.HEAD) + 4


def test_the_least_budget_is_the_largest_working_set() -> None:
    large_models.MODELS["tiny"] = lambda: large_models.decoder_train(1, 8, 2, 16)
    try:
        problem = large_models.problem_of("tiny", "activations")
    finally:
        del large_models.MODELS["tiny"]
    (name, m_r), (_, m_h), (_, m_p) = budgets(problem)
    largest = max(working_set_bytes(problem, o) for o in range(len(problem.operators)))
    assert (name, m_r) == ("M_R", largest)
    assert m_r <= m_h <= m_p


def test_a_row_says_whether_ours_is_worse() -> None:
    greedy = Answer("greedy", 10, 100, 0, "feasible", 1.0)
    better, worse = (Answer("ilp", 10, value, 50, "feasible", 1.0) for value in (80, 120))
    row = Row("n", "all", "M_R", 64, 9, 9, greedy, (better,))
    assert not row.worse
    assert Row("n", "all", "M_R", 64, 9, 9, greedy, (better, worse)).worse
    assert list(summary([row], (10.0,))) == [
        "10 s: 20.0% fewer bytes than greedy over 1 rows, 0 worse; mean gap 37.5%, 0 of 1 proven"
    ]
