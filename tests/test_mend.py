"""Advice on faults: every law is told, and an edit that is called tried mends."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cosmalloc.interchange import write_outcome, write_problem
from cosmalloc.mend import LAWS, advise
from cosmalloc.mend.edits import edits
from cosmalloc.plan import Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.solve import solve
from cosmalloc.verify import verify
from tests.command import cosmalloc
from tests.mutate import Mutation, mutations
from tests.nets import tangle
from tests.small import load, operator, problem, stay, store, tensor, toy

SOME = 7  # every so many-th mutation


def broken() -> list[tuple[Problem, Mutation]]:
    """Plans with one thing broken."""
    found = []
    for seed in range(12):
        for rule in ("resident", "anywhere"):
            made = tangle(6, seed, rule)  # type: ignore[arg-type]
            plan = solve(made, solver="greedy").plan
            if plan is not None:
                found += [(made, mutation) for mutation in mutations(made, plan)]
    return found[::SOME]


def test_what_is_called_tried_mends_and_most_faults_have_such_a_mend() -> None:
    seen: Counter[int] = Counter()
    mended: Counter[int] = Counter()
    for made, mutation in broken():
        faults = verify(made, mutation.plan)
        fault = faults[0]
        advice = advise(made, mutation.plan, faults, fault)
        seen[fault.law] += 1
        assert advice.rule == LAWS[fault.law]
        assert advice.what == fault.message
        assert advice.where
        if advice.tried:
            mended[fault.law] += 1
            after = [
                verify(made, edit.plan)
                for edit in edits(made, mutation.plan, fault)
                if edit.words == advice.mend
            ]
            assert any(len(left) < len(faults) for left in after)
    assert set(seen) == set(LAWS)
    for law in (2, 3, 4, 5, 6, 7):
        assert mended[law] >= seen[law] * 0.5, (law, mended[law], seen[law])


def two_tensors() -> tuple[Problem, Plan]:
    tensors = [tensor("x", 4, "input"), tensor("y", 4, "output")]
    made = problem(toy(8), tensors, [operator(tensors, [0], [1], name="double")])
    plan = Plan((0,), (stay(0, 0, 0, 1), stay(1, 4, 0, 1)), (load(0, 0), store(1, 1)))
    assert verify(made, plan) == []
    return made, plan


@pytest.mark.parametrize(
    ("change", "law", "mend"),
    [
        (
            {"residencies": (stay(0, 0, 0, 1), stay(1, 0, 0, 1))},
            2,
            "put tensor 1 (`y`) at offset 4 in steps [0, 1)",
        ),
        (
            {"residencies": (stay(0, 0, 0, 1), stay(1, 5, 0, 1))},
            3,
            "put tensor 1 (`y`) in steps [0, 1) at offset 4",
        ),
        ({"transfers": (store(1, 1),)}, 4, "load tensor 0 (`x`) at border 0"),
        (
            {"transfers": (load(0, 0), store(1, 0), store(1, 1))},
            5,
            "leave out the store of tensor 1 (`y`) between borders 0 and 0",
        ),
        (
            {"residencies": (stay(1, 4, 0, 1),), "transfers": (store(1, 1),)},
            6,
            "put tensor 0 (`x`) at offset 0 in step 0, loaded at border 0",
        ),
        ({"transfers": (load(0, 0),)}, 7, "store tensor 1 (`y`) at border 1"),
    ],
)
def test_the_mend_of_each_law_word_for_word(
    change: dict[str, tuple[object, ...]], law: int, mend: str
) -> None:
    made, plan = two_tensors()
    wrong = replace(plan, **change)  # type: ignore[arg-type]
    faults = verify(made, wrong)
    assert [fault.law for fault in faults] == [law]
    advice = advise(made, wrong, faults, faults[0])
    assert (advice.mend, advice.tried) == (mend, True)


def test_a_wrong_order_is_told_in_general_words() -> None:
    made, plan = two_tensors()
    wrong = replace(plan, order=(0, 0))
    faults = verify(made, wrong)
    advice = advise(made, wrong, faults, faults[0])
    assert not advice.tried
    assert advice.where == "the plan as a whole"
    assert "producers come first" in advice.mend


def test_the_command_explains_each_fault(tmp_path: Path) -> None:
    made, plan = two_tensors()
    wrong = replace(plan, transfers=(load(0, 0),))
    write_problem(tmp_path / "problem.json", made)
    write_outcome(
        tmp_path / "plan.json", Outcome("small", "hand", "feasible", "traffic", wrong, 0, 0), made
    )
    words = ("verify", tmp_path / "problem.json", tmp_path / "plan.json", "--explain")
    done = cosmalloc(*words)
    assert done.code == 1
    assert done.out.splitlines() == [
        "law 7: output tensor 1 (`y`) never ends off-chip",
        "  the law  every output of the program ends off-chip",
        "  where    after the last step, tensor 1 (`y`)",
        "  mend     store tensor 1 (`y`) at border 1 (tried: this fault is gone then, and no new"
        " one comes)",
    ]
    (advice,) = cosmalloc(*words, "--json").json["advice"]
    assert advice["tried"] is True
