"""What a compiler computes beforehand, or not at all, costs nothing."""

from __future__ import annotations

import re

import jax
import numpy as np
import pytest

from cosmalloc.cost_model.clock import compiled
from cosmalloc.cost_model.features import KernelGraph, graphs_of
from cosmalloc.cost_model.features.flat import flattened
from cosmalloc.cost_model.features.graph import graphs_by_mlir
from cosmalloc.cost_model.features.reading import read_compiled, views
from cosmalloc.cost_model.features.words import KINDS
from cosmalloc.cost_model.kernel import kernel_text
from cosmalloc.passes import context

T = "tensor<8x4xf32>"
BROADCAST = f"""  %z = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %zeros = stablehlo.broadcast_in_dim %z, dims = [] : (tensor<f32>) -> {T}
"""


def kernel(lines: str, returned: str = "%y", argument: bool = True, made: str = T) -> str:
    given = f"%x: {T}" if argument else ""
    return (
        f"func.func public @main({given}) -> {made} {{\n{lines}\n  return {returned} : {made}\n}}"
    )


def constant(number: str, name: str = "%c") -> str:
    return f"  {name} = stablehlo.constant dense<{number}> : {T}\n"


NUMBER = constant("5.000000e-01")
RESHAPED = kernel(f"  %y = stablehlo.reshape %x : ({T}) -> {T}")
HANDED_ON = [
    kernel(constant("0.000000e+00") + f"  %y = stablehlo.add %x, %c : {T}"),
    kernel(constant("0.000000e+00") + f"  %y = stablehlo.add %c, %x : {T}"),
    kernel(constant("0.000000e+00") + f"  %y = stablehlo.subtract %x, %c : {T}"),
    kernel(constant("1.000000e+00") + f"  %y = stablehlo.multiply %x, %c : {T}"),
    kernel(constant("1.000000e+00") + f"  %y = stablehlo.multiply %c, %x : {T}"),
    kernel(constant("1.000000e+00") + f"  %y = stablehlo.divide %x, %c : {T}"),
    kernel(
        constant("0.000000e+00", "%a")
        + constant("1.000000e+00", "%b")
        + f"  %t = stablehlo.maximum %a, %b : {T}\n"  # not known to be one, but read by nobody
        + f"  %y = stablehlo.multiply %x, %b : {T}"
    ),
]
ALONE = kernel(
    "  %c = stablehlo.constant dense<5.000000e-01> : tensor<f32>\n"
    f"  %y = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> {T}",
    argument=False,
)
SUM = """  %z = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %s = stablehlo.reduce({of} init: %z) applies stablehlo.add across dimensions = [1] :
    (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
"""
FOLDED = [
    kernel(NUMBER, "%c", argument=False),
    kernel(NUMBER + f"  %y = stablehlo.exponential %c : {T}", argument=False),
    kernel(NUMBER + f"  %y = stablehlo.add %c, %c : {T}", argument=False),
    kernel(
        NUMBER
        + f"  %e = stablehlo.exponential %c : {T}\n"
        + SUM.format(of="%e")
        + "  %b = stablehlo.broadcast_in_dim %s, dims = [0] : (tensor<8xf32>) -> tensor<8x4xf32>\n"
        + f"  %y = stablehlo.divide %e, %b : {T}",
        argument=False,
    ),
]
NOT_FOLDED = [
    kernel(constant("0.000000e+00") + f"  %y = stablehlo.subtract %c, %x : {T}"),
    kernel(constant("1.000000e+00") + f"  %y = stablehlo.divide %c, %x : {T}"),
    kernel(constant("1.000000e+00") + f"  %y = stablehlo.add %x, %c : {T}"),
    kernel(constant("0.000000e+00") + f"  %y = stablehlo.multiply %x, %c : {T}"),
    kernel(f"  %i = stablehlo.iota dim = 0 : {T}\n  %y = stablehlo.exponential %i : {T}"),
]
LOOP = f"""{BROADCAST}  %zero = stablehlo.constant dense<0> : tensor<i32>
  %0:2 = stablehlo.while(%i = %zero, %a = %zeros) : tensor<i32>, {T}
    cond {{
      %ten = stablehlo.constant dense<10> : tensor<i32>
      %c = stablehlo.compare LT, %i, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }} do {{
      %one = stablehlo.constant dense<1> : tensor<i32>
      %j = stablehlo.add %i, %one : tensor<i32>
      %n = stablehlo.constant dense<5.000000e-01> : {T}
      %e = stablehlo.exponential %n : {T}
      %b = stablehlo.add %a, %e : {T}
      stablehlo.return %j, %b : tensor<i32>, {T}
    }}"""


def alike(one: KernelGraph, other: KernelGraph) -> bool:
    names = ("kind", "body", "types", "numbers", "costs", "edges", "whole")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def printed(text: str) -> str:
    """As MLIR prints it, which is what the compiled reader knows."""
    module = context.parse(text, "a kernel")
    with module.context:
        return kernel_text(next(iter(context.functions(module.operation).values())))


@pytest.mark.parametrize("text", HANDED_ON)
def test_an_operation_that_changes_nothing_is_a_reshape(text: str) -> None:
    assert alike(graphs_of([text])[0], graphs_of([RESHAPED])[0])


@pytest.mark.parametrize("text", FOLDED)
def test_what_is_computed_of_constants_alone_is_a_broadcast(text: str) -> None:
    assert alike(graphs_of([text])[0], graphs_of([ALONE])[0])


@pytest.mark.parametrize("text", NOT_FOLDED)
def test_other_constants_are_worked_with(text: str) -> None:
    assert graphs_of([text])[0].costs[:, :2].sum() > 0


def test_what_is_not_made_of_real_numbers_is_left_as_it_is() -> None:
    made = "tensor<8x4xcomplex<f32>>"
    line = f"  %y = chlo.broadcast_complex %c, %c : ({T}, {T}) -> {made}"
    graph = graphs_of([kernel(NUMBER + line, argument=False, made=made)])[0]
    assert KINDS[graph.kind[-1]] != "stablehlo.broadcast_in_dim"


@pytest.mark.parametrize("text", [*HANDED_ON, *FOLDED])
def test_xla_does_not_compute_them_either(text: str) -> None:
    executable, _ = compiled(text, jax.devices("cpu")[0])
    made = str(executable.hlo_modules()[0].to_string())
    words = set(re.findall(r"= \S+ ([a-z-]+)\(", made))
    assert words <= {"parameter", "constant", "broadcast", "copy", "fusion", "bitcast"}, made


@pytest.mark.parametrize("text", [*HANDED_ON, *FOLDED, *NOT_FOLDED, kernel(LOOP, "%0#1")])
def test_both_readers_agree(text: str) -> None:
    text = printed(text)
    graphs, read = read_compiled([text])
    assert read.all()
    assert alike(views(graphs)[0], views(flattened(graphs_by_mlir([text])))[0])


def test_constants_of_a_loop_are_folded_within_it_and_what_it_starts_from_is_kept() -> None:
    graph = graphs_of([kernel(LOOP, "%0#1")])[0]
    kinds = [KINDS[kind] for kind in graph.kind]
    assert "stablehlo.exponential" not in kinds
    assert kinds.count("stablehlo.broadcast_in_dim") == 2
    adds = [i for i, kind in enumerate(kinds) if kind == "stablehlo.add"]
    assert sorted(graph.costs[adds, 0].tolist()) == [10, 320]
