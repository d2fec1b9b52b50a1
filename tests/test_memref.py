"""Mapped programs as buffers, compiled by LLVM and run: they compute what XLA computes."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jaxlib.mlir import ir
from jaxlib.mlir.passmanager import PassManager

import cosmalloc
from cosmalloc.check import random_arguments
from cosmalloc.errors import InputError
from cosmalloc.passes import DmaToCopies, LowerToMemref, Pipeline, context, read_model, run_memref
from cosmalloc.passes.kernels import compile_module, run_compiled
from cosmalloc.passes.lower_memref import lower_to_memref
from cosmalloc.passes.plan_in import read_program
from cosmalloc.plan import Plan
from cosmalloc.target_file import custom, load_target
from tests.command import cosmalloc as command
from tests.int8_net import mapped as int8_network
from tests.int8_net import network as int8_function
from tests.memref_networks import network

pytest.importorskip("torch_mlir", reason="the extra [mlir] is not installed")


def lowered(model: cosmalloc.MappedModel, plan: Plan | None = None) -> ir.Module:
    """A copy of the mapped module on memrefs, under its own plan or another one."""
    assert model.module is not None
    copy = context.clone(model.module)
    with copy.context, copy.operation.location:
        program = read_program(copy.operation).program
        lower_to_memref(program, model.plan if plan is None else plan)
    copy.operation.verify()
    return copy


def machine(scratchpad: int, rule: Any = "resident") -> Any:
    return custom(load_target("npu-2mib"), scratchpad=scratchpad, operand_rule=rule)


def many(params: Any, state: Any, at: Any) -> Any:
    """A skip over wide values, an update in place, a constant, and outputs that are one tensor."""
    table = jnp.asarray(np.arange(2048, dtype=np.float32).reshape(128, 16) / 4096)
    early = jnp.tanh(state @ params["a"])
    wide = jnp.tanh(early @ params["b"])
    wide = jnp.tanh(wide @ params["c"])
    out = wide @ params["d"] + jnp.tile(early, 8) @ table
    new = lax.dynamic_update_slice(state * 2, out[:1], (at, 0))
    new = lax.dynamic_update_slice(new, out[1:2], (at + 1, 0))
    return out, new, out, state, out.reshape(-1)


@cache
def float_network(rule: Any) -> tuple[cosmalloc.MappedModel, Any]:
    dice = np.random.default_rng(1)
    shapes = {"a": (16, 16), "b": (16, 32), "c": (32, 32), "d": (32, 16)}
    params = {key: dice.normal(size=s).astype(np.float32) / 4 for key, s in shapes.items()}
    arguments = (params, dice.normal(size=(8, 16)).astype(np.float32), np.int32(3))
    small = machine(8192 if rule == "resident" else 2048, rule)
    found = cosmalloc.map_model(many, arguments, target=small, solver="greedy")
    return found, arguments


@pytest.mark.parametrize("rule", ["resident", "anywhere"])
def test_outputs_are_those_of_the_original(rule: Any) -> None:
    model, arguments = float_network(rule)
    assert model.plan.transfers
    assert any(tensor.name.startswith("constant") for tensor in model.problem.tensors)
    leaves = jax.tree.leaves(arguments)
    module = lowered(model)
    late, early = (run_memref(module, leaves, at=at) for at in ("wait", "start"))  # type: ignore[arg-type]
    nowhere = run_memref(lowered(model, Plan(model.plan.order)), leaves)  # all of it off-chip
    expected = many(*arguments)
    assert len(late) == len(expected) == 5
    for one, two, three, right in zip(late, early, nowhere, expected, strict=True):
        assert one.tobytes() == two.tobytes() == three.tobytes()
        np.testing.assert_allclose(one, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", ["resident", "anywhere"])
@pytest.mark.filterwarnings("ignore:Some donated buffers were not usable")
def test_random_networks_compute_what_they_should(rule: Any) -> None:
    x = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    copies = 0
    for seed in range(3):
        function = network(seed, donate=seed % 2 == 0)
        tight = (512, 768, 1024, 2048)
        model = next(
            found
            for size in tight
            if (found := map_small(function, x, machine(size, rule))).outcome.plan is not None
        )
        copies += len(model.plan.transfers)
        for mine, theirs in zip(run_memref(lowered(model), [x]), model.execute(x), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
    assert copies >= 3


def map_small(function: Any, x: Any, target: Any) -> cosmalloc.MappedModel:
    return cosmalloc.map_model(function, (x,), target=target, solver="greedy")


def test_an_int8_network_is_equal_to_the_bit() -> None:
    model, leaves = int8_network()
    *params, x = leaves
    (found,) = run_memref(lowered(model), leaves)
    expected = np.asarray(int8_function(dict(zip("abcde", params, strict=True)), x))
    assert found.tobytes() == expected.tobytes()


def test_a_sabotaged_plan_computes_something_else() -> None:
    model, leaves = int8_network()
    problem, plan = model.problem, model.plan
    (good,) = run_memref(lowered(model), leaves)
    back = next(t for t in plan.transfers if t.kind == "load" and t.start > 0)
    out = next(t for t in plan.transfers if t.tensor == back.tensor and t.kind == "store")
    there = next(r for r in plan.residencies if r.tensor == back.tensor and r.start == back.start)
    others = tuple(r for r in plan.residencies if r != there)
    crowded = next(r for r in others if r.start <= there.start < r.stop)
    for wrong in (
        replace(plan, transfers=tuple(t for t in plan.transfers if t != out)),
        replace(plan, residencies=(*others, replace(there, offset=crowded.offset))),
    ):
        assert cosmalloc.verify(problem, wrong)
        (bad,) = run_memref(lowered(model, wrong), leaves)
        assert bad.tobytes() != good.tobytes()


def test_the_arena_is_as_large_as_the_plan_needs_and_stands_in_its_space() -> None:
    model, _ = int8_network()
    assert model.module is not None
    copy = context.clone(model.module)
    Pipeline.parse("lower-to-memref{memory-space=3}").run(copy)
    text = context.to_text(copy)
    peak = max(r.offset + model.problem.tensors[r.tensor].bytes for r in model.plan.residencies)
    assert f'memref.global "private" @arena : memref<{peak}xi8, 3> = uninitialized' in text
    assert text.count("memref.dma_start") == len(model.plan.transfers)
    assert "stablehlo" not in text


def test_the_passes_run_in_a_pass_manager_of_mlir() -> None:
    model, leaves = int8_network()
    assert model.module is not None
    copy = context.clone(model.module)
    with copy.context:
        manager = PassManager()
        manager.add(LowerToMemref())
        manager.add(DmaToCopies(at="start"))
        manager.run(copy.operation)
    assert "dma" not in context.to_text(copy)
    (found,) = run_memref(copy, leaves)
    assert found.tobytes() == run_memref(lowered(model), leaves)[0].tobytes()


def steered(x: Any, rise: Any, place: Any) -> Any:
    """A loop, a switch with an index out of range, a branch with a loop in it."""
    y, trips = lax.while_loop(
        lambda c: jnp.sum(c[0]) < 100.0, lambda c: (c[0] * 1.5 + rise, c[1] + 1), (x, jnp.int32(0))
    )
    ways = [lambda a: a * 2, lambda a: a + 1, lambda a: jnp.tanh(a) @ a.T @ a]
    z = lax.switch(place, ways, y)
    deeper = lax.cond(
        trips > 8, lambda a: a - 1, lambda a: lax.fori_loop(0, 3, lambda i, b: b + i, a), z
    )
    return z, deeper, trips


@pytest.mark.parametrize("place", [-5, 1, 7])
def test_control_flow_is_lowered(place: int) -> None:
    x = np.linspace(0, 0.2, 16, dtype=np.float32).reshape(4, 4)
    arguments = (x, np.float32(0.1), np.int32(place))
    model = cosmalloc.map_model(steered, arguments, solver="greedy", trip_count=5)
    found = run_memref(lowered(model), jax.tree.leaves(arguments))
    for mine, theirs in zip(found, steered(*arguments), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def along(x: Any, places: Any) -> Any:
    return jnp.sum(jnp.take_along_axis(x, places, axis=1) ** 3)


@pytest.mark.parametrize(
    ("function", "places"),
    [
        (lambda x, i: x.at[i].add(jnp.tanh(x[: len(i)])), [1, 3, 3, 12, -1]),
        (lambda x, i: x.at[i, 2].set(x[0, : len(i)], mode="drop"), [1, 3, 12]),
        (lambda x, i: x.at[:, i].max(x[:, : len(i)] * 2), [5, 4]),
        (lambda x, i: jax.grad(lambda t: jnp.sum(jnp.tanh(t[i]) ** 2))(x), [2, 2, 9]),
        (jax.grad(along), [[k % 6] for k in range(10)]),
        (lambda x, i: x[0].at[i[0]].set(x[1, 0]), [4]),
    ],
    ids=["rows", "dropped", "columns", "gradient", "batched", "one"],
)
def test_scatters_are_lowered(function: Any, places: Any) -> None:
    x = np.random.default_rng(0).normal(size=(10, 6)).astype(np.float32)
    arguments = (x, np.array(places, np.int32))
    model = cosmalloc.map_model(function, arguments, solver="greedy")
    assert "stablehlo.scatter" in model.text()
    (found,) = run_memref(lowered(model), arguments)
    np.testing.assert_allclose(found, jax.jit(function)(*arguments), rtol=1e-5, atol=1e-6)


def test_what_can_t_be_lowered_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def sorted_(x: Any) -> Any:
        return jnp.sort(x)

    x = np.zeros(64, np.float32)
    model = cosmalloc.map_model(sorted_, (x,), solver="greedy")
    with pytest.raises(InputError, match=r"`stablehlo\.sort` has no lowering to linalg"):
        lowered(model)
    small = cosmalloc.map_model(lambda x: x * 2, (x,), solver="greedy", bytes_per_element=1)
    with pytest.raises(InputError, match="has 256 bytes, the plan counts 64"):
        lowered(small)
    odd = custom(load_target("npu-2mib"), scratchpad=4096, alignment=1)
    bits = (np.zeros(3, np.int8), np.zeros(5, np.float32))
    uneven = cosmalloc.map_model(
        lambda a, b: jnp.tanh(b) + jnp.sum(a * a), bits, target=odd, solver="greedy"
    )
    shifted = replace(
        uneven.plan,
        residencies=tuple(replace(r, offset=r.offset + 1) for r in uneven.plan.residencies),
    )
    with pytest.raises(InputError, match="is no multiple of 4"):
        lowered(uneven, shifted)
    with pytest.raises(InputError, match="`memory-space` is 0"):
        LowerToMemref(memory_space=0)(context.clone(int8_network()[0].module).operation)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "torch_mlir", None)
    with pytest.raises(InputError, match=r"cosmalloc\[mlir\]"):
        lowered(int8_network()[0])


def test_the_command_writes_memrefs(tmp_path: Path) -> None:
    model, out = "examples/models/artifacts/mlp.mlirbc", tmp_path / "mlp.mlir"
    words = ("--scratchpad", "4KiB", "--solver", "greedy", "--emit", "memref")
    done = command("map", model, *words, "-o", out)
    assert done.code == 0, done.err
    module = context.parse(out.read_bytes(), "mlp.mlir")
    original, _ = read_model(model)
    leaves = random_arguments(original, 0)
    (expected,) = run_compiled(compile_module(context.to_bytecode(original)), leaves)
    np.testing.assert_allclose(run_memref(module, leaves)[0], expected, rtol=1e-5, atol=1e-6)
    assert command("map", model, *words).code == 2


ODD_NAMES = """
func.func private @"a\\22) -> () // \\0A #"(%a: tensor<4xf32>) -> tensor<4xf32>
    attributes {mem.kernel = "evil\\22 name"} {
  %0 = stablehlo.add %a, %a : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @constant_1(%a: tensor<4xf32>) -> tensor<4xf32> attributes {mem.kernel = "k"} {
  %c = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = stablehlo.add %a, %c : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @arena(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32>
    attributes {mem.kernel = "k"} {
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func public @main(%x: tensor<4xf32> {mem.name = "x\\22}) { // \\0A"}) -> tensor<4xf32> {
  %c = stablehlo.constant dense<[5.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = call @"a\\22) -> () // \\0A #"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @constant_1(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = call @arena(%1, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
"""


def test_names_from_a_model_stay_names_and_take_none_of_ours() -> None:
    module = context.parse(ODD_NAMES, "odd names")
    passes = "map-memory{scratchpad=1KiB solver=greedy track=all},insert-transfers,lower-to-memref"
    Pipeline.parse(passes).run(module)
    again = context.parse(context.to_text(module), "the lowered module")
    (found,) = run_memref(again, [np.ones(4, np.float32)])
    assert found.tolist() == [8, 6, 8, 10]


def test_arguments_of_another_shape_are_refused() -> None:
    model, leaves = int8_network()
    module = lowered(model)
    with pytest.raises(InputError, match="argument 0 is int8"):
        run_memref(module, [leaves[0][:1], *leaves[1:]])
    with pytest.raises(InputError, match="`main` takes 7 buffers"):
        run_memref(module, leaves[1:], outputs=1)


def test_a_function_that_is_not_there_is_said() -> None:
    text = """
func.func private @elsewhere(memref<4xf32>)
func.func @main(%a: memref<4xf32>) {
  call @elsewhere(%a) : (memref<4xf32>) -> ()
  return
}"""
    with pytest.raises(InputError, match="LLVM can't link the program"):
        run_memref(context.parse(text, "the test"), [np.zeros(4, np.float32)])


HEAD = """
func.func @main(%a: memref<4xf32>, %b: memref<4xf32, 1>, %i: index) {
  %0 = arith.constant 0 : index
  %2 = arith.constant 2 : index
  %4 = arith.constant 4 : index
  %t = memref.alloca() : memref<2xi32>
"""
START = (
    "memref.dma_start %a[{}], %b[%0], {}, %t[%0] : memref<4xf32>, memref<4xf32, 1>, memref<2xi32>\n"
)
WAIT = "memref.dma_wait %t[%0], %4 : memref<2xi32>\n"


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (START.format("%0", "%4"), "never waited for"),
        (WAIT, "a tag that none started"),
        (START.format("%0", "%4") * 2 + WAIT, "not waited for yet"),
        (START.format("%2", "%2") + WAIT, "a part of a buffer"),
        (START.format("%i", "%4") + WAIT, "a part of a buffer"),
        (START.format("%0", "%2") + WAIT, "a part of a buffer"),
    ],
)
def test_a_dma_that_is_no_whole_copy_is_refused(body: str, fact: str) -> None:
    module = context.parse(f"{HEAD}{body}return }}", "the test")
    with pytest.raises(InputError, match=fact):
        Pipeline.parse("dma-to-copies").run(module)
