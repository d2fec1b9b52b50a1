"""Bufferised programs of somebody else's, planned in place: they run as before, in less memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jaxlib.mlir import ir

import cosmalloc
from benchmarks import buffers
from cosmalloc.check import random_arguments
from cosmalloc.errors import InputError, NoPlanError
from cosmalloc.passes import Pipeline, PlanAllocs, context, read_model, run_memref
from cosmalloc.passes.allocs_problem import alloc_problem, sections
from cosmalloc.passes.allocs_read import read_allocs
from cosmalloc.passes.attributes import MEMREF, to_dictionary
from cosmalloc.passes.kernels import compile_module, run_compiled
from cosmalloc.target_file import load_target
from tests.command import cosmalloc as command
from tests.memref_programs import program

pytest.importorskip("torch_mlir", reason="the extra [mlir] is not installed")


def numbers(module: ir.Module) -> dict[str, Any]:
    return to_dictionary(context.entry(module.operation).attributes[MEMREF], MEMREF)


def planned(text: str, passes: str) -> ir.Module:
    module = context.parse(text, "the test")
    return Pipeline.parse(passes).run(module)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_program_runs_in_one_arena_as_it_did_before(name: str) -> None:
    text, leaves = buffers.bufferised(name)
    original, _ = read_model(f"examples/models/artifacts/{name}.mlirbc")
    expected = run_compiled(compile_module(context.to_bytecode(original)), leaves)
    before = run_memref(context.parse(text, name), leaves)
    np.testing.assert_allclose(before[0], expected[0], rtol=1e-4, atol=1e-5)
    module = planned(text, "plan-allocs")
    found = numbers(module)
    assert found["allocs"] >= 2
    assert found["heap_bytes"] == 0
    assert found["bound_bytes"] <= found["arena_bytes"] < found["alloc_bytes"]
    assert context.to_text(module).count("memref.alloc()") == text.count("memref.alloc()") - (
        found["allocs"] - 1
    )
    (after,) = run_memref(module, leaves)
    assert after.tobytes() == before[0].tobytes()


@pytest.mark.parametrize("rule", ["resident", "anywhere"])
def test_buffers_that_don_t_fit_are_spilled(rule: str) -> None:
    (x,) = leaves = [np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)]
    before = run_memref(context.parse(SKIP, "skip"), leaves)
    np.testing.assert_allclose(before[0][:, :4], np.tanh(np.tanh(x))[:, :4] * 2 + 8, rtol=1e-5)
    whole = numbers(planned(SKIP, "plan-allocs"))
    assert (whole["arena_bytes"], whole["alloc_bytes"]) == (768, 1024)
    module = planned(SKIP, f"plan-allocs{{scratchpad=512 operand-rule={rule} memory-space=2}}")
    assert numbers(module)["arena_bytes"] == 512
    assert numbers(module)["heap_bytes"] == 256
    told = context.to_text(module)
    assert "memref.dma_start" in told
    assert "memref<512xi8, 2> = uninitialized" in told
    for at in ("wait", "start"):
        after = run_memref(module, leaves, at=at)  # type: ignore[arg-type]
        assert after[0].tobytes() == before[0].tobytes()


SKIP = """
func.func private @twice(%a: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    scf.for %j = %c0 to %c8 step %c1 {
      %x = memref.load %a[%i, %j] : memref<8x8xf32>
      %y = math.tanh %x : f32
      memref.store %y, %o[%i, %j] : memref<8x8xf32>
    }
  }
  return
}
func.func private @more(%a: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %one = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c8 step %c1 {
    scf.for %j = %c0 to %c8 step %c1 {
      %x = memref.load %a[%i, %j] : memref<8x8xf32>
      %y = arith.addf %x, %one : f32
      memref.store %y, %o[%i, %j] : memref<8x8xf32>
    }
  }
  return
}
func.func @main(%x: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %early = memref.alloc() : memref<8x8xf32>
  %b = memref.alloc() {alignment = 128 : i64} : memref<8x8xf32>
  %c = memref.alloc() : memref<8x8xf32>
  %d = memref.alloc() : memref<8x8xf32>
  %row = memref.subview %early[0, 0] [8, 4] [1, 1]
    : memref<8x8xf32> to memref<8x4xf32, strided<[8, 1]>>
  call @twice(%x, %early) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  call @twice(%early, %early) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  call @more(%early, %b) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  call @more(%b, %c) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  memref.dealloc %b : memref<8x8xf32>
  memref.copy %c, %d : memref<8x8xf32> to memref<8x8xf32>
  memref.dealloc %c : memref<8x8xf32>
  %six = arith.constant 6.0 : f32
  %rim = memref.cast %row : memref<8x4xf32, strided<[8, 1]>> to memref<8x?xf32, strided<[8, 1]>>
  scf.for %i = %c0 to %c8 step %c1 {
    scf.for %j = %c0 to %c8 step %c1 {
      %four = arith.constant 4 : index
      %h = arith.remui %j, %four : index
      %p = memref.load %rim[%i, %h] : memref<8x?xf32, strided<[8, 1]>>
      %q = memref.load %d[%i, %j] : memref<8x8xf32>
      %y = arith.addf %p, %q : f32
      %z = arith.addf %y, %six : f32
      memref.store %z, %o[%i, %j] : memref<8x8xf32>
    }
  }
  memref.dealloc %early : memref<8x8xf32>
  memref.dealloc %d : memref<8x8xf32>
  return
}
"""


def test_linalg_on_buffers_is_planned_too(tmp_path: Any) -> None:
    path, out = tmp_path / "named.mlir", tmp_path / "out.mlir"
    path.write_text(NAMED)
    leaves = [np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)]
    (before,) = run_memref(context.parse(NAMED, "named"), leaves)
    product = leaves[0] @ leaves[0]
    np.testing.assert_allclose(before, product @ np.exp(product), rtol=1e-4)
    for passes, arena in (("plan-allocs", 512), ("plan-allocs{scratchpad=512}", 512)):
        done = command("opt", path, "--passes", passes, "-o", out)
        assert done.code == 0, done.err
        module = context.parse(out.read_bytes(), "out.mlir")
        assert numbers(module)["arena_bytes"] == arena
        assert run_memref(module, leaves)[0].tobytes() == before.tobytes()


NAMED = """
func.func @main(%x: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<8x8xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<8x8xf32>)
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  %b = memref.alloc() : memref<8x8xf32>
  linalg.map { math.exp } ins(%a : memref<8x8xf32>) outs(%b : memref<8x8xf32>)
  linalg.fill ins(%zero : f32) outs(%o : memref<8x8xf32>)
  linalg.matmul ins(%a, %b : memref<8x8xf32>, memref<8x8xf32>) outs(%o : memref<8x8xf32>)
  memref.dealloc %a : memref<8x8xf32>
  memref.dealloc %b : memref<8x8xf32>
  return
}
"""


def test_random_programs_compute_what_they_did() -> None:
    x = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    spilled = 0
    for seed in range(4):
        text = program(seed)
        (before,) = run_memref(context.parse(text, "the test"), [x])
        for passes in ("plan-allocs{solver=greedy}", *_spilling(text)):
            module = planned(text, passes)
            spilled += "dma_start" in context.to_text(module)
            (after,) = run_memref(module, [x])
            assert after.tobytes() == before.tobytes(), (seed, passes)
    assert spilled >= 2


def _spilling(text: str) -> list[str]:
    """Pipelines with the smallest scratchpad of several that does, per operand rule."""
    found = []
    for rule, sizes in (("resident", range(128, 1024, 64)), ("anywhere", (192,))):
        for size in sizes:
            passes = f"plan-allocs{{solver=greedy scratchpad={size} operand-rule={rule}}}"
            try:
                planned(text, passes)
            except NoPlanError:
                continue
            found.append(passes)
            break
    return found


def test_the_temporaries_of_lowered_kernels_are_packed_too() -> None:
    path = "examples/models/artifacts/cnn.mlirbc"
    original, _ = read_model(path)
    leaves = random_arguments(original, 0)
    module = cosmalloc.map_model(path, scratchpad="16KiB", solver="greedy").module
    assert module is not None
    Pipeline.parse("lower-to-memref").run(module)
    (before,) = run_memref(module, leaves)
    Pipeline.parse("plan-allocs").run(module)
    assert context.to_text(module).count("bound_bytes") >= 2
    assert run_memref(module, leaves)[0].tobytes() == before.tobytes()


def test_a_section_lasts_until_the_last_write() -> None:
    module = context.parse(SKIP, "skip")
    with module.context, ir.Location.unknown():
        functions = context.functions(module.operation)
        allocs = read_allocs(functions["main"], functions)
        fine, coarse = (sections(allocs, spills=spills) for spills in (False, True))
        names = [
            [
                allocs.operations[at].name
                for at in range(*span)
                if allocs.reads[at] | allocs.writes[at]
            ]
            for span in coarse.ranges
        ]
        assert names == [
            ["func.call"] * 2,
            ["func.call"],
            ["func.call"],
            ["memref.copy"],
            ["scf.for"],
        ]
        assert len(fine.ranges) == 6
        problem = alloc_problem(allocs, coarse, load_target("npu-2mib"), "main")
        assert [node.outputs[0] for node in problem.operators[:4]] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("use", "why"),
    [
        ("return %b : memref<4xf32>", "returned"),
        ("%c = call @f(%b) : (memref<4xf32>) -> memref<4xf32>", "a call may give it back"),
        ("%c = arith.select %i, %a, %b : memref<4xf32>", "chosen"),
        (
            "%c = scf.if %i -> memref<4xf32> { scf.yield %a : memref<4xf32> } else"
            " { scf.yield %b : memref<4xf32> }",
            "yielded",
        ),
        ("%p = memref.extract_aligned_pointer_as_index %b : memref<4xf32> -> index", "its address"),
        (
            "memref.dma_start %b[%0], %s[%0], %4, %t[%0] : memref<4xf32>, memref<4xf32, 1>,"
            " memref<1xi32>",
            "read later",
        ),
    ],
)
def test_a_buffer_that_escapes_stays_as_it_is(use: str, why: str) -> None:
    result = " -> memref<4xf32>" if use.startswith("return") else ""
    end = use if use.startswith("return") else f"{use}\n  return"
    text = f"""
func.func private @f(memref<4xf32>) -> memref<4xf32>
func.func @main(%a: memref<4xf32>, %s: memref<4xf32, 1>, %i: i1){result} {{
  %0 = arith.constant 0 : index
  %4 = arith.constant 4 : index
  %t = memref.alloca() : memref<1xi32>
  %b = memref.alloc() : memref<4xf32>
  %v = memref.alloc() : memref<4xf32>
  memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  memref.copy %b, %v : memref<4xf32> to memref<4xf32>
  {end}
}}"""
    module = planned(text, "plan-allocs")
    assert numbers(module)["allocs"] == 1, why
    assert "memref.alloc() : memref<4xf32>" in context.to_text(module)


def test_what_is_no_buffer_of_ours_stays_as_it_is() -> None:
    text = """
func.func @main(%a: memref<4xf32>, %n: index) {
  %b = memref.alloc(%n) : memref<?xf32>
  %c = memref.alloc() : memref<4xf32, 3>
  %d = memref.alloc() : memref<4xf32, strided<[2], offset: 1>>
  %e = memref.alloc() : memref<4xindex>
  %f = memref.alloc() : memref<0xf32>
  %unused = memref.alloc() : memref<4xf32>
  memref.dealloc %unused : memref<4xf32>
  return
}"""
    module = context.parse(text, "the test")
    before = context.to_text(module)
    assert context.to_text(Pipeline.parse("plan-allocs").run(module)) == before


def test_a_scratchpad_that_is_too_small_is_said() -> None:
    with pytest.raises(NoPlanError, match="no plan for the buffers of `main`"):
        planned(SKIP, "plan-allocs{scratchpad=256}")
    with pytest.raises(InputError, match="`memory-space` is 0"):
        planned(SKIP, "plan-allocs{memory-space=0}")
    assert PlanAllocs(scratchpad="1KiB").spills


def test_the_command_plans_allocations(tmp_path: Any) -> None:
    path = tmp_path / "skip.mlir"
    path.write_text(SKIP)
    done = command(
        "opt", path, "--passes", "plan-allocs{scratchpad=512},dma-to-copies,canonicalize"
    )
    assert done.code == 0, done.err
    assert "memref<512xi8, 1>" in done.out
    assert "dma" not in done.out


def test_the_benchmark_compares_what_it_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    assert buffers.main(["mlp", "--csv", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("| equal |") == 2
    assert len(list(tmp_path.iterdir())) == 2
