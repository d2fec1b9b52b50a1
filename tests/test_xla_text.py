"""The reader of HLO text: what it understands, and what it says about what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xla_texts import AFTER, CHAIN, LOOP, TILED

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_shape import Array, Tuple, array, leaves
from cosmalloc.passes.xla_text import is_hlo, parse_hlo


def test_a_module_has_its_computations_in_schedule_order() -> None:
    module = parse_hlo(CHAIN)
    main = module.computations[module.entry]
    assert (module.name, module.scheduled, module.entry) == ("chain", True, "main")
    assert [i.name for i in main.instructions][2:5] == ["fusion.1", "view", "pair"]
    assert main.root.name == "fusion.2"
    assert main.by_name["pair"].operands == ("view", "w")
    assert [p.name for p in main.parameters()] == ["x", "w"]


def test_attributes_keep_their_text_with_commas_and_brackets_in_quotes() -> None:
    fused = parse_hlo(CHAIN).computations["fused"]
    assert fused.root.attributes["metadata"] == (
        '{op_name="jit(f)/add, \\"a=b\\" (c" stack_frame_id=2}'
    )


def test_operands_may_carry_their_shapes() -> None:
    text = CHAIN.replace("fusion(%x, %w)", f"fusion({TILED} %x, {TILED} %w)")
    main = parse_hlo(text).computations["main"]
    assert main.by_name["fusion.1"].operands == ("x", "w")


def test_shapes_nest_and_name_their_memory() -> None:
    shape = parse_hlo(AFTER).computations["main"].by_name["copy-start"].shape
    assert isinstance(shape, Tuple)
    found = dict(leaves(shape))
    assert [found[index].space for index in ((0,), (1,), (2,))] == [1, 0, 2]


@pytest.mark.parametrize(
    ("dtype", "dims", "layout", "size"),
    [
        ("f32", "8,128", "1,0:T(8,128)", 4096),
        ("bf16", "512,4096", "1,0:T(8,128)(2,1)", 512 * 4096 * 2),
        ("bf16", "9,130", "1,0:T(8,128)(2,1)", 16 * 256 * 2),
        ("bf16", "9,130", "0,1:T(8,128)(2,1)", 136 * 128 * 2),
        ("s32", "", ":T(128)", 512),
        ("pred", "", ":T(512)", 512),
        ("f32", "4,6", "1,0", 96),
        ("s4", "16", "0:E(4)", 8),
        ("bf16", "100", "0:T(1024)(128)(2,1)", 2048),
        ("f32", "<=10", "0", 40),
        ("f32", "3,5,7", "2,1,0:T(*,8)", 8 * 15 * 4),
        ("f8e4m3fn", "3", None, 3),
    ],
)
def test_padded_bytes_follow_the_tiles(
    dtype: str, dims: str, layout: str | None, size: int
) -> None:
    assert array(dtype, dims, layout).padded_bytes == size


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("HloModule chain", "module @x", "line 1: does not start with `HloModule`"),
        ("ENTRY ", "", "has no ENTRY computation"),
        ("%view = f32[1024]", "%view = q7[1024]", "line 16: there is no element type `q7`"),
        ("bitcast(%fusion.1)", "bitcast(%nobody)", "line 16: `view` uses `nobody`, which is not"),
        ("%view = ", "%fusion.1 = ", "line 16: there are two `fusion.1` in `main`"),
        ("parameter(1)\n  %fusion.1", "parameter(z)\n  %fusion.1", "parameter `w` has number `z`"),
        ("{replicated}", "{replicated", "line 13: the brackets of an attribute do not match"),
        ("bitcast(%fusion.1)", "bitcast(%fusion.1", "brackets of an operation do not match"),
        ("f32[1024]{0:T(1024)} bitcast", "f32[10x4]{0} bitcast", "`10x4` in `10x4` is no size"),
        ("{0:T(1024)} bitcast", "{1:T(1024)} bitcast", "does not order the 1 dimensions"),
        ("ENTRY %main", "%fused", "has two computations `fused`"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, words: str) -> None:
    assert old in CHAIN
    with pytest.raises(InputError) as error:
        parse_hlo(CHAIN.replace(old, new, 1), "f.txt")
    assert words in error.value.fact
    assert error.value.fact.startswith("f.txt, line ")


def test_a_text_cut_short_is_an_error_wherever_it_is_cut() -> None:
    end = CHAIN.rindex("}")
    for cut in range(0, end, 7):
        with pytest.raises(InputError):
            parse_hlo(CHAIN[:cut])


@given(st.integers(0, len(LOOP) - 1), st.characters(codec="utf-8"))
def test_one_wrong_character_never_ends_in_another_error(place: int, letter: str) -> None:
    text = LOOP[:place] + letter + LOOP[place + 1 :]
    try:
        parse_hlo(text)
    except InputError:
        return


def test_nested_shapes_have_a_limit() -> None:
    deep = "(" * 3000 + TILED + ")" * 3000
    with pytest.raises(InputError, match="nested too deeply"):
        parse_hlo(CHAIN.replace(f"%back = {TILED}", f"%back = {deep}"))


def test_hlo_is_known_by_its_first_word() -> None:
    assert is_hlo(CHAIN.encode())
    assert not is_hlo(b"module @jit_f {")


def test_an_array_without_layout_lies_row_by_row() -> None:
    assert array("f32", "2,3", None) == Array("f32", (2, 3), (1, 0), (), 32, 0)
