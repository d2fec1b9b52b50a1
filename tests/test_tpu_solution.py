"""The compiler's log, its solution as a plan, our clock against its own; all by hand, no libtpu."""

from __future__ import annotations

from dataclasses import replace

import pytest
from xla_texts import AFTER, BEFORE, BUFFERS, COPY, TILED, cost_lines, run_line
from xla_texts import FAST as FAST_TILED

from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.simulate import simulate
from cosmalloc.tpu.buffers import read_buffers
from cosmalloc.tpu.compile import Compiled
from cosmalloc.tpu.exact import as_the_compiler_counts, exactness
from cosmalloc.tpu.extract import extract_program
from cosmalloc.tpu.log import read_log, relevant
from cosmalloc.tpu.solution import read_solution
from cosmalloc.tpu.topology import topology
from cosmalloc.verify import verify

TPU = topology("v5e")
HBM, FAST = 4096 / TPU.off_chip, 4096 / TPU.on_chip
COMPUTE = 1e-9


def log() -> str:
    """By the rules: a reads x off-chip; d, its output off-chip, is made from two fast operands."""
    costs = "".join(cost_lines(name, COMPUTE, [4096], 4096) for name in "ab")
    costs += "".join(cost_lines(name, COMPUTE, [4096, 4096], 4096) for name in "cd")
    head = "I1 00:00:00 7 memory_space_assignment.cc:324] max_size_in_bytes: 117440512\n"
    return head + costs


def compiled(text: str = "", after: str = AFTER) -> Compiled:
    return Compiled(BEFORE, after, BUFFERS, text or log(), 1.0, False)


def program() -> tuple[Plan, XlaProgram]:
    found = extract_program(compiled(), TPU.target(), "placed")
    return read_solution(found, compiled(), TPU).plan, found


def test_the_log_is_read_by_instruction() -> None:
    read = read_log(log())
    assert read.budget == 117_440_512
    assert read.costs["c"].compute == COMPUTE
    assert read.costs["c"].accessed == 12288
    assert read.costs["c"].operands == {(0, ()): 4096.0, (1, ()): 4096.0}
    assert read.seconds is None


def test_the_relevant_part_of_a_log_says_the_same() -> None:
    estimate = "I1 0 x.cc:1] Estimated elapsed time without async copies (sec): 1e-6\n"
    asked = cost_lines("a", COMPUTE, [4096], 4096)
    end = "I1 0 x.cc:1] Estimated elapsed time with async copies (sec): 2e-6\n"
    text = 3 * (log() + "noise\n") + estimate + asked + asked + run_line(0, "a", 1e-9) + end
    assert read_log(relevant(text)) == read_log(text)
    assert read_log(text).ran[0].fast == {(0, ())}
    assert len(relevant(text)) < len(text) / 2
    assert read_log(relevant(log())) == read_log(log())


def test_an_empty_log_says_nothing() -> None:
    read = read_log("")
    assert (read.costs, read.ran, read.budget) == ({}, (), 0)


def test_offsets_are_those_of_the_fast_memory_alone() -> None:
    offsets = read_buffers(BUFFERS, 1)
    assert offsets == {
        ("a", ()): 8192,
        ("b", ()): 4096,
        ("c", ()): 12288,
        ("copy-start", (0,)): 0,
    }


def test_memories_and_copies_become_residencies_and_transfers() -> None:
    found = extract_program(compiled(), TPU.target(), "placed")
    names = [t.name for t in found.problem.tensors]
    x, w, a, b, c, d = map(names.index, ("x", "w", "a", "b", "c", "d"))
    solution = read_solution(found, compiled(), TPU)
    assert sorted(solution.plan.residencies) == sorted(
        [
            Residency(w, 0, 1, 4),
            Residency(a, 8192, 0, 2),
            Residency(b, 4096, 1, 3),
            Residency(c, 12288, 2, 4),
        ]
    )
    assert set(solution.plan.transfers) == {Transfer(w, "load", 1, 3), Transfer(a, "store", 1, 2)}
    assert verify(found.problem, solution.plan) == []
    assert solution.replaced == ()
    assert {x, d} & {stay.tensor for stay in solution.plan.residencies} == set()


def test_a_constant_is_copied_like_a_parameter() -> None:
    def fixed(text: str) -> str:
        return text.replace(", w: f32[8,128]", "").replace("parameter(1)", "constant({...})")

    told = replace(compiled(), before=fixed(BEFORE), after=fixed(AFTER))
    found = extract_program(told, TPU.target(), "placed")
    w = [t.name for t in found.problem.tensors].index("w")
    plan = read_solution(found, told, TPU).plan
    assert Transfer(w, "load", 1, 3) in plan.transfers
    assert Residency(w, 0, 1, 4) in plan.residencies
    assert verify(found.problem, plan) == []


def test_what_is_issued_before_a_wait_may_keep_its_place() -> None:
    view = "  %v = {kind} bitcast(%a)\n  %b = {kind} negate(%v)"
    before = BEFORE.replace(f"  %b = {TILED} negate(%a)", view.format(kind=TILED))
    issued = f"  %copy-start = {COPY} copy-start(%w)\n"
    waited = f"  %copy-done.1 = {TILED} copy-done(%copy-start.1)\n"
    after = AFTER.replace(issued, "").replace(waited, "")
    first, second = view.format(kind=FAST_TILED).split("\n")
    after = after.replace(f"  %b = {FAST_TILED} negate(%a)", f"{first}\n{issued}{waited}{second}")
    costs = log() + cost_lines("v", COMPUTE, [0], 0)
    told = replace(compiled(costs), before=before, after=after)
    found = extract_program(told, TPU.target(), "placed", merge_views=False, once=True)
    w = [t.name for t in found.problem.tensors].index("w")
    starts = [
        next(copy.start for copy in plan.transfers if copy.tensor == w)
        for plan in (read_solution(found, told, TPU, as_it_ran=ran).plan for ran in (False, True))
    ]
    assert starts == [2, 1]


def test_a_value_that_the_buffer_assignment_forgot_is_named() -> None:
    found = extract_program(compiled(), TPU.target(), "placed")
    less = replace(compiled(), buffers=BUFFERS.replace(" value: <8 b", " value: <8 z"))
    assert read_solution(found, less, TPU).unplaced == ("b",)


def test_our_clock_runs_the_plan_as_the_compilers_rules_say() -> None:
    plan, found = program()
    times = simulate(found.problem, plan)
    spent = [b - a for a, b in zip(times.step_start, times.step_stop, strict=True)]
    assert spent[0] == pytest.approx(HBM + FAST, rel=1e-6)  # x off-chip, a fast
    assert spent[1] == pytest.approx(max(COMPUTE, 2 * FAST), rel=1e-6)
    assert spent[3] == pytest.approx(HBM + 2 * FAST, rel=1e-6)


def test_the_compilers_bug_counts_what_it_asked_for_as_fast() -> None:
    asked = cost_lines("a", COMPUTE, [4096], 4096)
    text = log() + asked + run_line(0, "a", max(COMPUTE, 2 * FAST))
    found = extract_program(compiled(text), TPU.target(), "placed")
    plan = read_solution(found, compiled(text), TPU).plan
    rule = as_the_compiler_counts(found, read_log(text))
    times = simulate(found.problem, plan, rule=rule)
    assert times.step_stop[0] == pytest.approx(max(COMPUTE, 2 * FAST), rel=1e-6)
    assert simulate(found.problem, plan).step_stop[0] == pytest.approx(HBM + FAST, rel=1e-6)


def test_exactness_names_the_instruction_that_differs() -> None:
    estimate = "I1 0 x.cc:1] Estimated elapsed time without async copies (sec): 1e-6\n"
    good = log() + estimate + run_line(0, "a", HBM + FAST) + run_line(1, "d", HBM + 2 * FAST)
    found = extract_program(compiled(good), TPU.target(), "placed", merge_views=False)
    plan = read_solution(found, compiled(good), TPU).plan
    wrong = good.replace(f"elapsed: {HBM + FAST:g}", "elapsed: 5e-06")
    names = [m.instruction for m in exactness(found, plan, read_log(wrong)).mismatches]
    assert names[0] == "a"
    names = [m.instruction for m in exactness(found, plan, read_log(good)).mismatches]
    assert names == ["waits"]  # no copy-done is logged here, and the plan does wait
