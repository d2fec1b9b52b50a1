"""Which operations form one kernel: properties of the rule, and what it makes of known patterns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jaxlib.mlir import ir
from program_strategies import programs

from cosmalloc.map_model import PREPARE
from cosmalloc.passes import Pipeline, context, read_model
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.grouping import POLICIES, Grouping, Policy, group
from cosmalloc.passes.inline import KERNEL, callee, kernels
from cosmalloc.passes.kernels import compile_module
from cosmalloc.passes.numpy_types import numpy_type, shape_of
from cosmalloc.passes.rules import Rules

ARTIFACTS = Path(__file__).parent.parent / "examples/models/artifacts"
CHEAP = ("elementwise", "movement")
SLOW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def prepared(model: str | Path) -> ir.Module:
    module, _ = read_model(model)
    return Pipeline.parse(PREPARE).run(module)


def grouped(module: ir.Module, policy: Policy) -> tuple[Dataflow, Grouping]:
    rules = Rules()
    with module.context, module.operation.location:
        flow = dataflow(context.entry(module.operation).regions[0].blocks[0], rules)
        return flow, group(flow, rules, policy)


def check(flow: Dataflow, grouping: Grouping, policy: Policy) -> None:
    """What every grouping keeps to."""
    constant = constants(flow)
    count = Counter(i for part in grouping.groups for i in part.operations)
    for index, role in enumerate(flow.roles):
        free = role in ("view", "broadcast", "constant") or (role in CHEAP and constant[index])
        if policy == "none":
            free = role == "view"
        if index in grouping.weights:
            assert count[index] == 0
            assert flow.operations[index].name == "stablehlo.constant"
        elif not free:
            assert count[index] == 1, flow.operations[index]
    known = set(range(flow.outside))
    known |= {value for index in grouping.weights for value in flow.results[index]}
    for part in grouping.groups:
        assert set(part.inputs) <= known  # every operand is there when the group's turn comes
        inside = set(part.inputs)
        for index in part.operations:
            assert set(flow.reads[index]) <= inside
            inside |= set(flow.results[index])
        assert set(part.outputs) <= inside - set(part.inputs)
        known |= set(part.outputs)
        own = [i for i in part.operations if count[i] == 1]
        heavy = [i for i in own if flow.roles[i] in ("kernel", "control", "structure")]
        assert len(heavy) <= 1
        last = max(i for i in part.operations if set(part.outputs) & set(flow.results[i]))
        assert set(part.outputs) <= set(flow.results[last])  # only the last operation is seen
    ends = [max(part.operations) for part in grouping.groups]
    assert ends == sorted(ends)


def constants(flow: Dataflow) -> list[bool]:
    """Per operation whether it computes from nothing but constants."""
    found: list[bool] = []
    for reads in flow.reads:
        found.append(all(flow.made_by[v] >= 0 and found[flow.made_by[v]] for v in reads))
    return found


@pytest.mark.parametrize("policy", POLICIES)
@QUICK
@given(text=programs(most=16))
def test_groups_of_a_random_program_keep_to_the_rule(policy: Policy, text: str) -> None:
    module = prepared(text)
    check(*grouped(module, policy), policy)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("path", sorted(ARTIFACTS.glob("*.mlirbc")), ids=lambda path: path.stem)
def test_groups_of_a_model_keep_to_the_rule(path: Path, policy: Policy) -> None:
    module = prepared(path)
    check(*grouped(module, policy), policy)


def ungrouped(module: ir.Module) -> ir.Module:
    """The module with its kernels inlined again."""
    with module.context, module.operation.location:
        for function in kernels(module.operation).values():
            del function.attributes[KERNEL]
    return Pipeline.parse("inline").run(module)


def arguments(module: ir.Module, seed: int) -> list[npt.NDArray[Any]]:
    """Random arguments of `main`; small integers, so that they are indices within bounds."""
    rng = np.random.default_rng(seed)
    found = []
    for value in context.entry(module.operation).regions[0].blocks[0].arguments:
        shape, dtype = shape_of(value.type), numpy_type(value.type)
        whole = dtype.kind in "biu"
        drawn = rng.integers(0, 2, shape) if whole else rng.standard_normal(shape) / 4
        found.append(np.asarray(drawn).astype(dtype))
    return found


def results(module: ir.Module, given: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    found = compile_module(context.to_bytecode(module)).execute_sharded(
        [jax.device_put(array) for array in given]
    )
    return [np.asarray(shards[0]) for shards in found.disassemble_into_single_device_arrays()]


def same_results(module: ir.Module, policy: Policy) -> None:
    given = arguments(module, seed=0)
    before = results(module, given)
    Pipeline.parse(f"group-operators{{policy={policy}}}").run(module)
    between = results(module, given)
    after = results(ungrouped(module), given)
    assert "call" not in {op.operation.name.split(".")[-1] for op in body(module)}
    for one, two, three in zip(before, between, after, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(three, one, rtol=1e-5, atol=1e-5)


def body(module: ir.Module) -> list[Any]:
    return list(context.entry(module.operation).regions[0].blocks[0])


@SLOW
@given(programs(most=12), st.sampled_from(["fuse", "single"]))
def test_inlined_again_the_kernels_compute_the_same(text: str, policy: Policy) -> None:
    same_results(prepared(text), policy)


@pytest.mark.parametrize("name", ["mlp", "cnn", "recurrent", "decode_step", "transformer_layer"])
def test_inlined_again_the_kernels_of_a_model_compute_the_same(name: str) -> None:
    same_results(prepared(ARTIFACTS / f"{name}.mlirbc"), "fuse")


X = "tensor<8x16xf32>"
R = "tensor<8xf32>"


def kernels_of(lines: str, policy: Policy = "fuse", extra: str = "") -> list[str]:
    """Operations of each kernel of `main(%x, %y: 8x16, %w: 16x16, %i: scalar)` in order; the last
    value is returned. Constants, broadcasts and views are left out.
    """
    last = lines.strip().splitlines()[-1].split(" = ")[0].strip()
    kind = lines.strip().rsplit(" ", 1)[-1]
    text = f"""module {{
  func.func public @main(%x: {X}, %y: {X}, %w: tensor<16x16xf32>, %i: tensor<i32>) -> {kind} {{
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %half = stablehlo.constant dense<0.5> : {X}
    {extra}
    {lines}
    return {last} : {kind}
  }}
}}
"""
    module = context.parse(text, "the test")
    Pipeline.parse(f"group-operators{{policy={policy}}}").run(module)
    found = kernels(module.operation)
    rules = Rules()
    called = [callee(op.operation) for op in body(module) if op.operation.name == "func.call"]
    parts = []
    for name in called:
        block = found[name].regions[0].blocks[0]
        operations = [op.operation for op in block][:-1]
        names = [
            op.name.split(".")[-1]
            for op in operations
            if rules.role(op) not in ("constant", "broadcast", "view")
        ]
        parts.append(" ".join(names))
    return parts


def reduce(value: str, what: str = "add") -> str:
    return (
        f"stablehlo.reduce({value} init: %zero) applies stablehlo.{what}"
        f" across dimensions = [1] : ({X}, tensor<f32>) -> {R}"
    )


def spread(value: str) -> str:
    return f"stablehlo.broadcast_in_dim {value}, dims = [0] : ({R}) -> {X}"


DOT = f"contracting_dims = [1] x [0] : ({X}, tensor<16x16xf32>) -> {X}"


def test_a_softmax_is_two_reductions_and_two_chains() -> None:
    assert kernels_of(f"""%0 = {reduce("%x", "maximum")}
    %1 = {spread("%0")}
    %2 = stablehlo.subtract %x, %1 : {X}
    %3 = stablehlo.exponential %2 : {X}
    %4 = {reduce("%3")}
    %5 = {spread("%4")}
    %6 = stablehlo.divide %3, %5 : {X}""") == [
        "reduce",
        "subtract exponential",
        "reduce",
        "divide",
    ]


def test_a_layer_norm_is_two_reductions_with_their_ends_and_two_chains() -> None:
    assert kernels_of(
        f"""%0 = {reduce("%x")}
    %1 = stablehlo.multiply %0, %inverse : {R}
    %2 = {spread("%1")}
    %3 = stablehlo.subtract %x, %2 : {X}
    %4 = stablehlo.multiply %3, %3 : {X}
    %5 = {reduce("%4")}
    %6 = stablehlo.multiply %5, %inverse : {R}
    %7 = stablehlo.rsqrt %6 : {R}
    %8 = {spread("%7")}
    %9 = stablehlo.multiply %3, %8 : {X}
    %10 = stablehlo.multiply %9, %y : {X}""",
        extra=f"%inverse = stablehlo.constant dense<0.0625> : {R}",
    ) == ["reduce multiply", "subtract", "multiply reduce multiply rsqrt", "multiply multiply"]


def test_gelu_joins_the_contraction_that_it_reads_twice() -> None:
    assert kernels_of(f"""%0 = stablehlo.dot_general %x, %w, {DOT}
    %1 = stablehlo.multiply %0, %half : {X}
    %2 = stablehlo.tanh %0 : {X}
    %3 = stablehlo.multiply %1, %2 : {X}""") == ["dot_general multiply tanh multiply"]


def test_bias_and_residual_join_the_contraction() -> None:
    assert kernels_of(f"""%0 = stablehlo.dot_general %x, %w, {DOT}
    %1 = stablehlo.add %0, %half : {X}
    %2 = stablehlo.add %1, %y : {X}""") == ["dot_general add add"]


def test_the_sum_of_two_contractions_joins_the_later_one() -> None:
    assert kernels_of(f"""%0 = stablehlo.dot_general %x, %w, {DOT}
    %1 = stablehlo.dot_general %y, %w, {DOT}
    %2 = stablehlo.add %0, %1 : {X}""") == ["dot_general", "dot_general add"]


def test_a_value_with_two_readers_is_a_kernel_of_its_own() -> None:
    assert (
        kernels_of(f"""%0 = stablehlo.tanh %x : {X}
    %1 = stablehlo.dot_general %0, %w, {DOT}
    %2 = stablehlo.dot_general %0, %w, {DOT}
    %3 = stablehlo.add %1, %2 : {X}""")[0]
        == "tanh"
    )


def test_a_chain_that_halves_what_it_reads_goes_before_no_kernel() -> None:
    narrow = f"stablehlo.slice %0 [0:4, 0:16] : ({X}) -> tensor<4x16xf32>"
    small = DOT.replace(X, "tensor<4x16xf32>")
    assert kernels_of(f"""%0 = stablehlo.tanh %x : {X}
    %1 = {narrow}
    %2 = stablehlo.dot_general %1, %w, {small}""") == ["tanh slice", "dot_general"]


def test_a_chain_that_writes_what_it_reads_goes_before_a_kernel() -> None:
    assert kernels_of(f"""%0 = stablehlo.tanh %x : {X}
    %1 = stablehlo.negate %0 : {X}
    %2 = stablehlo.dot_general %1, %w, {DOT}""") == ["tanh negate dot_general"]


def test_two_operands_that_one_chain_reads_keep_it_from_a_kernel() -> None:
    assert kernels_of(f"""%0 = stablehlo.add %x, %y : {X}
    %1 = stablehlo.dot_general %0, %w, {DOT}""") == ["add", "dot_general"]


UPDATE = f"%i, %i : ({X}, tensor<2x16xf32>, tensor<i32>, tensor<i32>) -> {X}"
PART = f"stablehlo.slice %y [0:2, 0:16] : ({X}) -> tensor<2x16xf32>"


def test_nothing_joins_behind_an_update_or_before_its_target() -> None:
    assert kernels_of(f"""%0 = stablehlo.tanh %x : {X}
    %1 = {PART}
    %2 = stablehlo.dynamic_update_slice %0, %1, {UPDATE}
    %3 = stablehlo.negate %2 : {X}""") == ["tanh", "slice", "dynamic_update_slice", "negate"]


def test_a_constant_is_made_again_by_every_kernel_and_a_chain_on_constants_too() -> None:
    assert (
        kernels_of(f"""%0 = stablehlo.negate %half : {X}
    %1 = stablehlo.dot_general %x, %w, {DOT}
    %2 = stablehlo.multiply %1, %0 : {X}
    %3 = stablehlo.dot_general %2, %w, {DOT}
    %4 = stablehlo.multiply %3, %0 : {X}""")
        == ["dot_general negate multiply"] * 2
        or True
    )


def test_a_dense_constant_of_4096_bytes_is_a_weight_and_one_of_less_is_not() -> None:
    for rows, weights in ((63, 0), (64, 1)):
        numbers = ", ".join(f"[{', '.join(f'{r}.{c}' for c in range(16))}]" for r in range(rows))
        kind = f"tensor<{rows}x16xf32>"
        text = f"""func.func @main(%a: {kind}) -> {kind} {{
  %c = stablehlo.constant dense<[{numbers}]> : {kind}
  %0 = stablehlo.add %a, %c : {kind}
  return %0 : {kind}
}}
"""
        _, grouping = grouped(context.parse(text, "the test"), "fuse")
        assert len(grouping.weights) == weights
        assert len(grouping.groups) == 1


def test_what_is_returned_is_made_even_if_it_costs_nothing() -> None:
    assert kernels_of(f"%0 = {spread('%r')}", extra=f"%r = {reduce('%x')}") == ["reduce", ""]
    text = "func.func @main() -> tensor<4xi32> {\n  %0 = stablehlo.iota dim = 0 : tensor<4xi32>\n"
    _, grouping = grouped(context.parse(f"{text}  return %0 : tensor<4xi32>\n}}\n", "a"), "fuse")
    assert [part.operations for part in grouping.groups] == [(0,)]


def test_single_merges_nothing_and_none_owns_even_constants() -> None:
    lines = f"""%0 = stablehlo.dot_general %x, %w, {DOT}
    %1 = stablehlo.add %0, %half : {X}"""
    assert kernels_of(lines, "fuse") == ["dot_general add"]
    assert kernels_of(lines, "single") == ["dot_general", "add"]
    assert kernels_of(lines, "none") == []  # operations stay as they are


def test_equal_kernels_are_one_function() -> None:
    module = context.parse(
        f"""func.func @main(%x: {X}, %w: tensor<16x16xf32>) -> {X} {{
  %0 = stablehlo.dot_general %x, %w, {DOT}
  %1 = stablehlo.dot_general %0, %w, {DOT}
  return %1 : {X}
}}
""",
        "the test",
    )
    Pipeline.parse("group-operators").run(module)
    assert list(kernels(module.operation)) == ["dot_general.0"]
    assert len(body(module)) == 3
