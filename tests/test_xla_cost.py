"""HLO of other back ends: flops and bytes by rule, and the front door for dumps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from command import cosmalloc
from hypothesis import given
from hypothesis import strategies as st
from xla_texts import CHAIN, LOOP, UPDATE

from cosmalloc.errors import InputError
from cosmalloc.map_model import map_model
from cosmalloc.passes.reading import Reading
from cosmalloc.passes.xla_read import read_hlo
from cosmalloc.problem import Problem
from cosmalloc.target import Target
from cosmalloc.verify import verify

TARGET = Target("t", 2**16, 64, "anywhere", 1e9, 1e9, 1e10, 1e10, flops_per_second=1e12)
PLAIN = CHAIN.replace('custom_call_target="two"', 'custom_call_target="AllocateBuffer"')


def problem(text: str) -> Problem:
    return read_hlo(text, TARGET, Reading()).problem


def flops(text: str) -> dict[str, int | None]:
    return {operator.name: operator.flops for operator in problem(text).operators}


def test_a_fusion_counts_what_is_in_it() -> None:
    assert flops(PLAIN) == {"fusion.1": 1024, "pair": 0, "fusion.2": 1024}


def test_a_loop_that_stands_once_multiplies_flops_and_bytes() -> None:
    found = problem(LOOP.replace("constant(6)", "constant(600)"))
    grown = next(operator for operator in found.operators if operator.name == "grown")
    assert grown.flops == 600 * 1024
    assert grown.output_bytes_accessed == (600 * 4096,)


def test_an_update_reads_nothing_of_its_target_and_writes_the_update() -> None:
    changed = next(o for o in problem(UPDATE).operators if o.name == "changed")
    assert changed.input_bytes_accessed == (0, 4096, 4)
    assert changed.output_bytes_accessed == (4096,)


def test_a_slice_in_a_fusion_reads_its_result() -> None:
    text = UPDATE.replace(
        "ROOT %put = f32[64,128]{1,0:T(8,128)} dynamic-update-slice(%target, %row, %at, %zero)",
        "ROOT %got = f32[8,128]{1,0:T(8,128)} dynamic-slice(%target, %at, %zero),"
        " dynamic_slice_sizes={8,128}",
    )
    changed = next(o for o in problem(text).operators if o.name == "changed")
    assert changed.input_bytes_accessed[0] == 4096


@pytest.mark.parametrize(
    ("operation", "count"),
    [
        ("f32[4,5]{1,0} dot(%a, %b), lhs_contracting_dims={1}, rhs_contracting_dims={0}", 240),
        ("f32[4]{0} reduce(%a, %c), dimensions={1}, to_apply=%sum", 24),
        ("f32[6,4]{0,1} transpose(%a), dimensions={1,0}", 0),
        ("f32[4,6]{1,0} tanh(%a)", 24),
    ],
)
def test_operations_have_their_flops(operation: str, count: int) -> None:
    text = f"""HloModule m, is_scheduled=true

%sum (p: f32[], q: f32[]) -> f32[] {{
  %p = f32[] parameter(0)
  %q = f32[] parameter(1)
  ROOT %r = f32[] add(%p, %q)
}}

ENTRY %main (a: f32[4,6], b: f32[6,5], c: f32[]) -> f32[] {{
  %a = f32[4,6]{{1,0}} parameter(0)
  %b = f32[6,5]{{1,0}} parameter(1)
  %c = f32[] parameter(2)
  ROOT %o = {operation}
}}
"""
    assert flops(text)["o"] == count


def test_a_convolution_counts_its_kernel_once_per_result() -> None:
    text = """HloModule m, is_scheduled=true

ENTRY %main (x: f32[1,8,8,4], k: f32[3,3,4,16]) -> f32[1,8,8,16] {
  %x = f32[1,8,8,4]{3,2,1,0} parameter(0)
  %k = f32[3,3,4,16]{3,2,1,0} parameter(1)
  ROOT %o = f32[1,8,8,16]{3,2,1,0} convolution(%x, %k), window={size=3x3 pad=1_1x1_1}, \
dim_labels=b01f_01io->b01f
}
"""
    assert flops(text)["o"] == 2 * 8 * 8 * 16 * 3 * 3 * 4


def test_what_has_no_rule_is_an_error_with_its_line() -> None:
    with pytest.raises(InputError) as error:
        problem(CHAIN)
    assert error.value.fact == (
        "the module, line 17: there is no cost rule for the custom call `two`"
    )
    with pytest.raises(InputError, match="there is no cost rule for `cholesky`"):
        problem(LOOP.replace("multiply(", "cholesky("))


def compiled(function: Any, *arguments: Any) -> str:
    """What XLA's CPU back end makes of a JAX function."""
    return str(jax.jit(function).lower(*arguments).compile().as_text())


def test_a_program_of_the_cpu_back_end_is_read_and_mapped() -> None:
    def network(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        return jnp.tanh(x @ params["w"]) @ params["v"]

    shapes = {
        "w": jax.ShapeDtypeStruct((64, 128), "f4"),
        "v": jax.ShapeDtypeStruct((128, 32), "f4"),
    }
    text = compiled(network, shapes, jax.ShapeDtypeStruct((16, 64), "f4"))
    found = problem(text)
    products = 2 * 16 * 64 * 128 + 2 * 16 * 128 * 32
    assert products <= sum(o.flops or 0 for o in found.operators) <= products * 1.1
    mapped = map_model(text, target=TARGET, objective="latency", solver="greedy", seconds=1)
    assert mapped.module is None
    assert verify(mapped.problem, mapped.plan) == []
    with pytest.raises(InputError, match="is not written back"):
        mapped.text()


def test_the_command_maps_hlo_into_a_plan(tmp_path: Path) -> None:
    model, plan = tmp_path / "dump.txt", tmp_path / "plan.json"
    model.write_text(LOOP)
    words = ("map", model, "--target", "tpu-v5e", "--solver", "greedy", "--seconds", "1")
    done = cosmalloc(*words, "--plan", plan, "--json")
    assert done.code == 0
    assert done.json["problem"] == "loop"
    assert plan.is_file()
    done = cosmalloc(*words, "-o", tmp_path / "out.mlir")
    assert done.code == 2
    assert "error: a plan of HLO text is not written back into the program" in done.err


def test_a_broken_dump_is_named_with_its_line(tmp_path: Path) -> None:
    model = tmp_path / "dump.txt"
    model.write_text(LOOP.replace("direction=LT", "direction=LT}"))
    done = cosmalloc("map", model)
    assert done.code == 2
    assert f"error: {model}, line 18: the brackets of an attribute do not match" in done.err


@given(st.sampled_from([LOOP, UPDATE, PLAIN]), st.data())
def test_damaged_programs_end_in_a_sentence_or_a_problem(text: str, data: st.DataObject) -> None:
    words = sorted(set(re.findall(r"[\w.%\-]+", text)))
    for _ in range(data.draw(st.integers(1, 3))):
        old, new = data.draw(st.sampled_from(words)), data.draw(st.sampled_from([*words, "", "}"]))
        text = text.replace(old, new, 1)
    try:
        problem(text)
    except InputError:
        return


@pytest.mark.parametrize("word", ["index=x", "index=-1", "index=99999999999"])
def test_an_index_that_is_no_number_is_named(word: str) -> None:
    with pytest.raises(InputError, match="`second` takes element"):
        problem(PLAIN.replace("(%pair), index=1", f"(%pair), {word}"))


def test_a_condition_of_one_operand_counts_five_trips() -> None:
    grown = next(
        o
        for o in problem(LOOP.replace("compare(%i.1, %limit)", "compare(%i.1)")).operators
        if o.name.startswith("grown")
    )
    assert grown.name == "grown@0"  # unrolled
