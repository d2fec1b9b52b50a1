"""The stories of `explain` word for word, and its command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cosmalloc.explain import (
    explain_operator,
    explain_tensor,
    operator_words,
    tensor_words,
)
from cosmalloc.interchange import write_outcome, write_problem
from cosmalloc.plan import Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.verify import verify
from tests.command import cosmalloc
from tests.small import load, operator, problem, stay, store, tensor, toy


def small() -> tuple[Problem, Plan]:
    """`a` (4 bytes) must leave a scratchpad of 9 bytes for `big`, and comes back."""
    tensors = [
        tensor("x", 3, "input"),
        tensor("a", 4),
        tensor("big", 6),
        tensor("y", 1),
        tensor("z", 2, "output"),
    ]
    operators = [
        operator(tensors, ends, makes, 1.0, name)
        for ends, makes, name in (
            ([0], [1], "first"),
            ([0], [2], "second"),
            ([2], [3], "third"),
            ([1, 3], [4], "fourth"),
        )
    ]
    plan = Plan(
        (0, 1, 2, 3),
        (
            stay(0, 0, 0, 2),
            stay(1, 3, 0, 1),
            stay(2, 3, 1, 3),
            stay(3, 0, 2, 4),
            stay(1, 3, 3, 4),
            stay(4, 7, 3, 4),
        ),
        (load(0, 0), store(1, 1), load(1, 3), store(4, 4)),
    )
    made = problem(toy(9), tensors, operators)
    assert verify(made, plan) == []
    return made, plan


def test_a_tensor_s_story_word_for_word() -> None:
    assert tensor_words(explain_tensor(*small(), 1)) == [
        "tensor 1 `a`: intermediate, 4 bytes",
        "  made by `first` at step 0; read by `fourth` at step 3",
        "  on chip in steps [0, 1) at offset 3, as it is made; used at step 0",
        "    at this offset: no lower one is free in all of these steps",
        "  not on chip in steps [1, 3)",
        "    keeping it would need 4 bytes more than there are at step 1 (`second`): 9 bytes are in"
        " use there, 9 bytes of them by the operator itself",
        "    bytes are missing at 2 steps, most of them there",
        "    no plan has it on chip while `second` runs: both don't fit",
        "    on chip there: `big` (6B, used there), `x` (3B, used there)",
        "    keeping it, had it room, would save 8 bytes and take 8.000 s less",
        "    least in the way: at offset 3, `big` (6B, used there)",
        "  on chip in steps [3, 4) at offset 3, loaded at border 3, blocking; used at step 3",
        "    offset 1 is free in all of these steps too",
        "  stored off-chip at border 1, blocking",
        "  moved off-chip in all: 8 bytes, of these 8 bytes beyond the compulsory ones",
    ]


def test_an_operator_s_story_word_for_word() -> None:
    assert operator_words(explain_operator(*small(), 3)) == [
        "operator 3 `fourth` (toy) runs at step 3",
        "  reads `a` (4 bytes): on chip at offset 3 in steps [3, 4)",
        "  reads `y` (1 byte): on chip at offset 0 in steps [2, 4)",
        "  writes `z` (2 bytes): on chip at offset 7 in steps [3, 4)",
        "  on chip meanwhile: 7 bytes of 9 bytes, 2 bytes free; its own operands and results hold"
        " 7 bytes",
        "  no plan runs it with less than 7 bytes on chip",
        "  runs for 1.000 s from 14.000 s on, limited by its arithmetic: arithmetic 1.000 s, bytes"
        " off-chip 0.0 ns, on chip 0.0 ns",
        "  it waits 4.000 s before it starts, for",
        "    the load of `a` (4 bytes), issued at border 3, copied from 10.000 s to 14.000 s",
    ]


def test_the_command_tells_the_stories_and_finds_the_problem_beside_the_plan(
    tmp_path: Path,
) -> None:
    made, plan = small()
    outcome = Outcome("small", "hand", "feasible", "traffic", plan, 8, 0)
    write_problem(tmp_path / "problem.json", made)
    write_outcome(tmp_path / "plan.json", outcome, made)
    done = cosmalloc("explain", tmp_path / "plan.json", "a")
    assert done.code == 0
    assert done.out.splitlines() == tensor_words(explain_tensor(made, plan, 1))
    story = cosmalloc("explain", tmp_path / "plan.json", "fourth", "--json").json
    assert story["operator"]["clock"]["stall"] == 4.0
    (tmp_path / "problem.json").rename(tmp_path / "other.json")
    done = cosmalloc("explain", tmp_path / "plan.json", "a")
    assert done.code == 2
    assert "say where the plan's problem is: --problem" in done.err
    other = ("--problem", tmp_path / "other.json")
    assert cosmalloc("explain", tmp_path / "plan.json", "a", *other).code == 0


def test_a_plan_with_faults_is_not_explained(tmp_path: Path) -> None:
    made, plan = small()
    broken = replace(plan, transfers=plan.transfers[1:])
    write_problem(tmp_path / "problem.json", made)
    outcome = Outcome("small", "hand", "feasible", "traffic", broken, 8, 0)
    write_outcome(tmp_path / "plan.json", outcome, made)
    done = cosmalloc("explain", tmp_path / "plan.json", "a")
    assert done.code == 2
    assert "is not legal, it has 1 faults, the first: law 4" in done.err


def test_a_mapped_module_is_explained_without_any_other_file(tmp_path: Path) -> None:
    model = Path(__file__).parent.parent / "examples/models/artifacts/cnn.mlirbc"
    mapped = tmp_path / "mapped.mlir"
    assert cosmalloc("map", model, "-o", mapped).code == 0
    done = cosmalloc("explain", mapped, "step:0")
    assert done.code == 0
    assert "runs at step 0" in done.out
    done = cosmalloc("explain", model, "step:0")
    assert done.code == 2
    assert "has no attribute `mem.format`" in done.err
