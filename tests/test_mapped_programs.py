"""Random programs, mapped, read back, and run on real bytes."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from program_strategies import programs

import cosmalloc
from cosmalloc import MappedModel, Plan
from cosmalloc.passes import (
    ExecutionError,
    Pipeline,
    context,
    execute,
    execute_unmapped,
    read_model,
    read_plan,
)
from cosmalloc.passes.kernels import compile_module
from cosmalloc.passes.plan_out import canonical

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
rules: st.SearchStrategy[Literal["resident"]] = st.sampled_from(["resident", "anywhere"])
OBJECTIVES = st.sampled_from(["traffic", "latency"])
SIZES = st.sampled_from([128, 192, 200, 256, 320, 512])
RNG = np.random.default_rng(0)
ARGUMENTS = [RNG.standard_normal((4, 4), np.float32) for _ in range(2)]


def mapped(text: str, size: int, rule: Any, **options: Any) -> MappedModel:
    return cosmalloc.map_model(
        text, target="npu-256kib", scratchpad=size, alignment=8, operand_rule=rule, **options
    )


@QUICK
@given(
    programs(),
    SIZES,
    rules,
    st.sampled_from(["fuse", "single", "none"]),
    st.sampled_from(["activations", "all"]),
)
def test_a_mapped_module_reads_back_as_the_same_problem_and_plan(
    text: str, size: int, rule: Any, group: str, track: str
) -> None:
    model = mapped(text, size, rule, group=group, track=track)
    if model.module is None:
        assert model.outcome.status == "infeasible"
        return
    forms = [
        context.to_text(model.module),
        context.to_bytecode(model.module),
        context.to_portable(model.module),
    ]
    for form in forms:
        problem, outcome = read_plan(context.parse(form, "the mapped module"))
        assert problem == model.problem
        assert outcome.plan == canonical(model.plan)
        assert (outcome.status, outcome.value) == (model.outcome.status, model.outcome.value)


@SLOW
@given(programs(), SIZES, rules, st.sampled_from(["fuse", "single", "none"]), OBJECTIVES)
def test_the_plan_run_on_real_bytes_gives_the_unmapped_outputs(
    text: str, size: int, rule: Any, group: str, objective: str
) -> None:
    model = mapped(text, size, rule, group=group, track="all", objective=objective)
    if model.module is None:
        return
    module, _ = read_model(text)
    count = len(context.entry(module.operation).regions[0].blocks[0].arguments)
    through = execute(model.module, ARGUMENTS[:count])
    for got, plain in zip(through, execute_unmapped(model.module, ARGUMENTS[:count]), strict=True):
        np.testing.assert_array_equal(got, plain)
    whole = compile_module(context.to_bytecode(module))
    import jax

    arrays = [jax.device_put(a) for a in ARGUMENTS[:count]]
    want = whole.execute_sharded(arrays).disassemble_into_single_device_arrays()
    for got, (shard,) in zip(through, want, strict=True):
        np.testing.assert_allclose(got, np.asarray(shard), rtol=2e-5, atol=1e-5)


@QUICK
@given(programs(), SIZES)
def test_stripped_of_its_memory_a_mapped_module_is_the_program_in_another_order(
    text: str, size: int
) -> None:
    model = mapped(text, size, "resident", group="none")
    if model.module is None:
        return
    Pipeline.parse("strip-memory").run(model.module)
    assert "mem.l" not in context.to_text(model.module)
    compile_module(context.to_bytecode(model.module))


SPILL = """module @spill {
  func.func public @main(%x: tensor<4x4xf32> {mem.name = "x"}) -> tensor<4x4xf32> {
    %0 = stablehlo.abs %x : tensor<4x4xf32>
    %1 = stablehlo.sqrt %0 : tensor<4x4xf32>
    %2 = stablehlo.dot_general %1, %0, contracting_dims = [1] x [0] :
        (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %3 = stablehlo.tanh %2 : tensor<4x4xf32>
    %4 = stablehlo.add %3, %x : tensor<4x4xf32>
    return %4 : tensor<4x4xf32>
  }
}
"""


def sabotages(plan: Plan) -> dict[str, Plan]:
    """The plan with one thing wrong, by what is wrong."""
    found: dict[str, Plan] = {}
    for index, transfer in enumerate(plan.transfers):
        rest = plan.transfers[:index] + plan.transfers[index + 1 :]
        name = f"{transfer.kind} of {transfer.tensor} at {transfer.start} dropped"
        found[name] = dataclasses.replace(plan, transfers=rest)
    stays = plan.residencies
    for i, a in enumerate(stays):
        for b in stays[i + 1 :]:
            if a.start < b.stop and b.start < a.stop and a.offset != b.offset:
                moved = tuple(
                    dataclasses.replace(r, offset=b.offset) if r == a else r for r in stays
                )
                found[f"{a} at the offset of {b}"] = dataclasses.replace(plan, residencies=moved)
    return found


def test_a_spoiled_plan_gives_a_wrong_answer_or_a_fault() -> None:
    model = mapped(SPILL, 200, "resident", group="none", track="all")
    assert model.module is not None
    assert any(t.kind == "store" for t in model.plan.transfers)
    (right,) = execute(model.module, ARGUMENTS[:1])
    spoiled = sabotages(model.plan)
    assert len(spoiled) >= 8
    for what, plan in spoiled.items():
        assert cosmalloc.verify(model.problem, plan), what
        try:
            (wrong,) = execute(model.module, ARGUMENTS[:1], plan)
        except ExecutionError:
            continue
        assert not np.array_equal(right, wrong), what


def test_swapped_offsets_are_caught_by_the_judge_or_by_the_data() -> None:
    model = mapped(SPILL, 256, "resident", group="none", track="all")
    assert model.module is not None
    (right,) = execute(model.module, ARGUMENTS[:1])
    stays = sorted(model.plan.residencies)
    for a in stays:
        for b in stays:
            swap = {a: b.offset, b: a.offset}
            moved = tuple(dataclasses.replace(r, offset=swap.get(r, r.offset)) for r in stays)
            plan = dataclasses.replace(model.plan, residencies=moved)
            if cosmalloc.verify(model.problem, plan):
                continue
            np.testing.assert_array_equal(execute(model.module, ARGUMENTS[:1], plan)[0], right)


@pytest.mark.parametrize("count", [0, 2])
def test_execution_refuses_a_wrong_number_of_arguments(count: int) -> None:
    model = mapped(SPILL, 256, "resident")
    assert model.module is not None
    with pytest.raises(cosmalloc.InputError, match="the program has 1 arguments"):
        execute(model.module, ARGUMENTS[:count])
