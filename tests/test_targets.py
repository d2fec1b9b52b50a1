"""The shipped machines, the user's own, and sizes as people write them."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.sizes import format_bytes, parse_bytes
from cosmalloc.target_file import custom, load_target, parse_target, target_names

NPU = (resources.files("cosmalloc") / "targets" / "npu-2mib.toml").read_text("utf-8")


def test_the_shipped_targets_have_their_names() -> None:
    assert target_names() == ("npu-256kib", "npu-2mib", "npu-8mib", "tpu-v4", "tpu-v5e")
    assert [load_target(name).name for name in target_names()] == list(target_names())


def test_npus_want_operands_resident_and_tpus_read_them_anywhere() -> None:
    rules = {name: load_target(name).operand_rule for name in target_names()}
    assert {name for name, rule in rules.items() if rule == "anywhere"} == {"tpu-v4", "tpu-v5e"}


def test_the_sizes_are_what_the_names_say() -> None:
    for size in ("256KiB", "2MiB", "8MiB"):
        assert load_target(f"npu-{size.lower()}").scratchpad_bytes == parse_bytes(size)


def test_every_figure_of_a_shipped_target_has_a_comment_beside_or_above_it() -> None:
    for name in target_names():
        text = (resources.files("cosmalloc") / "targets" / f"{name}.toml").read_text("utf-8")
        explained = False
        for line in text.splitlines():
            if line.startswith("#"):
                explained = True
            elif re.match(r"(name|operand_rule) ", line):
                explained = False
            else:
                assert "#" in line or explained, (name, line)


def test_a_target_comes_from_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(NPU.replace('"npu-2mib"', '"mine"'))
    assert load_target(mine) == replace(load_target("npu-2mib"), name="mine")


def test_a_target_without_bandwidth_is_an_error_that_names_file_and_key() -> None:
    text = re.sub(r"(?m)^offchip_read.*$", "", NPU)
    with pytest.raises(InputError, match=r"^mine.toml: offchip_read_bytes_per_second is missing$"):
        parse_target(text, "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ("alignment = 64", "alignment = 0", "mine.toml: alignment is 0, not 1 to 1073741824"),
        ("= 12e9", "= 0", "mine.toml: target `npu-2mib` has offchip_read_bytes_per_second 0"),
        ("= 12e9", "= nan", "mine.toml: offchip_read_bytes_per_second is no finite number"),
        ("= 12e9", '= "12 GB/s"', "offchip_read_bytes_per_second is `12 GB/s`, not a number"),
        ('"resident"', '"on chip"', "mine.toml: operand_rule is `on chip`"),
        ("alignment", "alignement", "mine.toml has the unknown key `alignement`"),
        ("= 2_097_152", "= 2MiB", "mine.toml is no TOML: "),
    ],
)
def test_what_is_wrong_with_a_target_is_said_with_its_place(old: str, new: str, fact: str) -> None:
    with pytest.raises(InputError) as error:
        parse_target(NPU.replace(old, new), "mine.toml")
    assert fact in error.value.fact


def test_an_unknown_name_gets_the_known_ones() -> None:
    with pytest.raises(InputError) as error:
        load_target("npu")
    assert error.value.fact == "there is no target `npu`"
    assert "npu-256kib, npu-2mib, npu-8mib, tpu-v4, tpu-v5e" in error.value.hint
    with pytest.raises(InputError, match=r"cannot read nowhere.toml: No such file"):
        load_target("nowhere.toml")


def test_a_custom_target_changes_what_is_given_and_nothing_else() -> None:
    base = load_target("npu-2mib")
    assert custom(base) is base
    assert custom(base, scratchpad="3MiB", alignment=16) == replace(
        base, name="custom", scratchpad_bytes=3 * 2**20, alignment=16
    )
    assert custom(base, scratchpad=100, name="tiny").name == "tiny"
    assert custom(base, copy_engines=0).copy_engines == 0
    with pytest.raises(InputError, match="alignment 0"):
        custom(base, alignment=0)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4096", 4096),
        ("0", 0),
        ("7B", 7),
        ("2MiB", 2**21),
        ("2 mib", 2**21),
        ("1.5KiB", 1536),
        ("3.1MiB", 3_250_585),
        ("64KB", 64_000),
        ("1GiB", 2**30),
        ("0.5TB", 500_000_000_000),
    ],
)
def test_bytes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "MiB", "-1", "2M", "1e6", "2MiBs", "0x10", "1,000", "٣"])
def test_what_is_no_number_of_bytes_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="is no number of bytes"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1025, "1.1KiB"),
        (2**21, "2MiB"),
        (3_211_264, "3.1MiB"),
        (2**20 - 1, "1024KiB"),
    ],
)
def test_bytes_are_written_as_people_write_them(count: int, text: str) -> None:
    assert format_bytes(count) == text


@given(st.integers(0, 2**50))
def test_what_is_written_is_enough_when_typed_again(count: int) -> None:
    again = parse_bytes(format_bytes(count))
    assert count <= again <= count * 1.1
