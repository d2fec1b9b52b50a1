"""problem.json and plan.json: out, in, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.interchange import (
    outcome_from_json,
    outcome_to_json,
    problem_digest,
    problem_from_json,
    problem_to_json,
    read_outcome,
    read_problem,
    write_outcome,
    write_problem,
)
from cosmalloc.json_text import from_text, to_text
from cosmalloc.plan import OBJECTIVES, Outcome, Plan
from cosmalloc.problem import Problem
from tests.small import load, operator, problem, stay, store, tensor, toy
from tests.strategies import problems
from tests.test_verify_properties import GARBAGE

FIGURES = st.one_of(st.integers(0, 2**53), st.floats(0, 1e300))


def small() -> Problem:
    tensors = [tensor("x", 4, "input"), tensor("y", 4, "output")]
    return problem(toy(8), tensors, [operator(tensors, [0], [1])])


def answer() -> Outcome:
    plan = Plan((0,), (stay(0, 0, 0, 1), stay(1, 4, 0, 1)), (load(0, 0), store(1, 1)))
    return Outcome("small", "hand", "optimal", "traffic", plan, 0, 0, 0.5)


@settings(max_examples=200, deadline=None)
@given(problem=problems())
def test_a_problem_comes_back_from_its_text(problem: Problem) -> None:
    again = problem_from_json(from_text(to_text(problem_to_json(problem)), "p.json"))
    assert again == problem
    assert problem_digest(again) == problem_digest(problem)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """With a plan or without, sensible or not."""
    status = draw(st.sampled_from(["optimal", "feasible", "infeasible", "unknown"]))
    promised = status in ("optimal", "feasible")
    value = draw(FIGURES) if promised else None
    return Outcome(
        "toy",
        draw(st.text(max_size=9)),
        status,
        draw(st.sampled_from(OBJECTIVES)),
        draw(GARBAGE.filter(lambda plan: min(plan.order, default=0) >= 0)) if promised else None,
        value,
        draw(st.sampled_from([None, value])),
        draw(st.floats(0, 1e6)),
        draw(st.text(max_size=9)),
        draw(st.none() | st.integers(0, 2**50)),
    )


@settings(max_examples=200, deadline=None)
@given(problem=problems(), outcome=outcomes())
def test_an_outcome_comes_back_from_its_text(problem: Problem, outcome: Outcome) -> None:
    text = to_text(outcome_to_json(outcome, problem))
    again = outcome_from_json(from_text(text, "p.json"), problem)
    assert again == outcome
    assert again.seconds == outcome.seconds


def test_files_come_back(tmp_path: Path) -> None:
    write_problem(tmp_path / "problem.json", small())
    write_outcome(tmp_path / "plan.json", answer(), small())
    assert read_problem(tmp_path / "problem.json") == small()
    assert read_outcome(tmp_path / "plan.json", small()) == answer()


def test_the_examples_of_the_format_document_are_read() -> None:
    document = (Path(__file__).parent.parent / "docs" / "format.md").read_text()
    blocks = [block.split("```")[0] for block in document.split("```json\n")[1:]]
    told, answered = (from_text(block, "docs/format.md") for block in blocks)
    outcome = outcome_from_json(answered, problem_from_json(told))
    assert outcome.plan is not None
    assert set(answered) | {"problem_digest"} == set(outcome_to_json(outcome, small()))
    assert set(told) == set(problem_to_json(small()))
    for key in ("tensors", "operators"):
        assert set(told[key][0]) == set(problem_to_json(small())[key][0])
    assert set(told["target"]) == set(problem_to_json(small())["target"])


def test_every_key_of_the_files_is_in_the_format_document() -> None:
    document = (Path(__file__).parent.parent / "docs" / "format.md").read_text()
    told, answered = problem_to_json(small()), outcome_to_json(answer(), small())
    for entry in (told, told["target"], told["tensors"][0], told["operators"][0], answered):
        assert [key for key in entry if key not in document] == []


def test_unknown_keys_are_ignored_and_optional_ones_may_be_absent() -> None:
    entry = problem_to_json(small()) | {"comment": "hello"}
    for key in ("copy_engines", "flops_per_second"):
        del entry["target"][key]
    del entry["tensors"][0]["tracked"], entry["tensors"][0]["alias_group"]
    for key in ("flops", "location"):
        del entry["operators"][0][key]
    assert problem_from_json(entry) == small()
    entry = outcome_to_json(answer(), small())
    for key in ("version", "problem_digest", "seconds", "reason", "smallest_scratchpad"):
        del entry[key]
    assert outcome_from_json(entry, small()) == answer()


def test_numbers_equal_in_value_have_one_digest() -> None:
    whole = replace(small().operators[0], compute_seconds=2)
    real = replace(whole, compute_seconds=2.0)
    one, two = (replace(small(), operators=(node,)) for node in (whole, real))
    assert problem_digest(one) == problem_digest(two)


Change = Callable[[dict[str, Any]], None]


def put(*path: Any) -> Change:
    """put("tensors", 0, "bytes", -5): a change that sets entry["tensors"][0]["bytes"] to -5."""
    *way, key, value = path

    def change(entry: dict[str, Any]) -> None:
        for part in way:
            entry = entry[part]
        entry[key] = value

    return change


def drop(*path: Any) -> Change:
    """A change that removes a key."""
    *way, key = path

    def change(entry: dict[str, Any]) -> None:
        for part in way:
            entry = entry[part]
        del entry[key]

    return change


TOO_MUCH = 2**63 - 1


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (put("tensors", 1, "bytes", -5), "tensors[1].bytes is -5, not 1 to 1099511627776"),
        (put("tensors", 1, "bytes", 4.5), "tensors[1].bytes is 4.5, not an integer"),
        (put("tensors", 1, "bytes", True), "tensors[1].bytes is true, not an integer"),
        (put("tensors", 1, "bytes", "4"), "tensors[1].bytes is `4`, not an integer"),
        (put("tensors", 1, "kind", "thing"), "tensors[1].kind is `thing`"),
        (put("tensors", 1, "kind", "input"), "p.json: tensor 1 (`y`) is an input and is produced"),
        (put("tensors", 1, 7), "tensors[1] is 7, not an object"),
        (put("tensors", {}), "tensors is an object, not a list"),
        (drop("tensors", 0, "name"), "tensors[0].name is missing"),
        (put("tensors", 0, "tracked", 1), "tensors[0].tracked is 1, not true or false"),
        (
            put("tensors", 0, "alias_group", -1),
            f"tensors[0].alias_group is -1, not 0 to {TOO_MUCH}",
        ),
        (put("operators", 0, "inputs", [7]), "p.json: operator 0 (`op`) names tensor 7, the"),
        (put("operators", 0, "inputs", [-1]), f"operators[0].inputs[0] is -1, not 0 to {TOO_MUCH}"),
        (put("operators", 0, "inputs", [1]), "operator 0 (`op`) is part of or behind a cycle"),
        (put("operators", 0, "inputs", []), "p.json: operators[0]: operator `op` has 0 inputs"),
        (put("operators", 0, "input_bytes_accessed", [-1]), "input_bytes_accessed[0] is -1, not 0"),
        (put("operators", 0, "compute_seconds", -1), "operator `op` has compute_seconds -1"),
        (put("operators", 0, "compute_seconds", "1"), "compute_seconds is `1`, not a number"),
        (put("operators", 0, "flops", 0.5), "operators[0].flops is 0.5, not an integer"),
        (drop("target"), "p.json: target is missing"),
        (put("target", None), "p.json: target is null, not an object"),
        (
            drop("target", "offchip_read_bytes_per_second"),
            "p.json: target.offchip_read_bytes_per_second is missing",
        ),
        (put("target", "alignment", 0), "p.json: target.alignment is 0, not 1 to 1073741824"),
        (put("target", "operand_rule", "none"), "p.json: target.operand_rule is `none`"),
        (put("target", "copy_engines", 3), "p.json: target.copy_engines is 3, not 0 to 2"),
        (put("target", "onchip_read_bytes_per_second", 0), "has onchip_read_bytes_per_second 0"),
        (put("format", "cosmalloc.problem/2"), "p.json has format `cosmalloc.problem/2`"),
        (drop("format"), "p.json has no format"),
    ],
)
def test_what_is_wrong_with_a_problem_is_said_with_its_place(change: Change, fact: str) -> None:
    entry = problem_to_json(small())
    change(entry)
    with pytest.raises(InputError) as error:
        problem_from_json(entry, "p.json")
    assert fact in error.value.fact
    assert error.value.fact.startswith("p.json")


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (put("problem", "big"), "p.json is a plan for `big`, the problem is `small`"),
        (put("problem_digest", "0" * 64), "p.json is a plan for another `small`: its problem has"),
        (put("status", "fine"), "p.json: status is `fine`"),
        (
            put("status", "infeasible"),
            "p.json: order is not empty, but the status promises no plan",
        ),
        (put("objective", "kind", "speed"), "p.json: objective.kind is `speed`"),
        (
            put("objective", "value", None),
            "p.json: objective.value is null, but the status promises a plan",
        ),
        (put("objective", "bound", 1), "p.json: an outcome's bound 1 lies above its value 0"),
        (put("residencies", 0, "offset", -1), f"residencies[0].offset is -1, not 0 to {TOO_MUCH}"),
        (put("residencies", 0, "stop", 0), "p.json: residencies[0]: Residency(tensor=0, offset=0"),
        (put("transfers", 0, "kind", "move"), "p.json: transfers[0].kind is `move`"),
        (put("transfers", 0, "stop", 1.0), "p.json: transfers[0].stop is 1.0, not an integer"),
        (put("order", ["a"]), "p.json: order[0] is `a`, not an integer"),
        (drop("order"), "p.json: order is missing"),
        (put("format", "cosmalloc.problem/1"), "p.json has format `cosmalloc.problem/1`"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_with_its_place(change: Change, fact: str) -> None:
    entry = outcome_to_json(answer(), small())
    change(entry)
    with pytest.raises(InputError) as error:
        outcome_from_json(entry, small(), "p.json")
    assert fact in error.value.fact
    assert error.value.fact.startswith("p.json")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "p.json is no JSON: line 1, column 1: Expecting value"),
        ('{"a": 1', "p.json is no JSON: line 1, column 8: Expecting ',' delimiter"),
        ("[1]", "p.json is a list of 1, not an object"),
        ('{"a": NaN}', "p.json is no JSON: NaN is no number of JSON"),
        ('{"a": -Infinity}', "p.json is no JSON: -Infinity is no number of JSON"),
        ("[" * 100_000, "p.json is nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "p.json is no JSON: Exceeds the limit"),
    ],
    ids=["empty", "cut off", "list", "NaN", "infinity", "deep", "long number"],
)
def test_what_is_no_json_object_is_refused(text: str, fact: str) -> None:
    with pytest.raises(InputError) as error:
        from_text(text, "p.json")
    assert error.value.fact.startswith(fact)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    entry = json.loads(
        to_text(problem_to_json(small())).replace(
            '"compute_seconds": 0.0', '"compute_seconds": 1e999'
        )
    )
    with pytest.raises(InputError, match=r"operators\[0\].compute_seconds is no finite number"):
        problem_from_json(entry)
    entry["operators"][0]["compute_seconds"] = 10**400
    with pytest.raises(InputError, match=r"operators\[0\].compute_seconds is no finite number"):
        problem_from_json(entry)


def test_a_bound_that_is_not_finite_is_written_as_none() -> None:
    outcome = replace(answer(), bound=float("-inf"))
    again = outcome_from_json(outcome_to_json(outcome, small()), small())
    assert again.bound is None
