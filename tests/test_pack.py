"""`pack`: the table in, offsets and a picture out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cosmalloc.buffers_csv import capacity_in_name, format_buffers, parse_buffers
from cosmalloc.cli.pack_command import pack as pack_command
from cosmalloc.errors import InputError
from cosmalloc.packing import pack
from cosmalloc.picture import cells, svg, terminal

TABLE = """id,lower,upper,size,alignment,offset
a,0,4,6,,
b,2,8,4,4,-1
c,4,8,6,,0
"""
app = typer.Typer()
app.command()(pack_command)


def test_the_smallest_peak_is_found_and_the_written_table_reads_back() -> None:
    table = parse_buffers(TABLE)
    least = pack(table)
    assert (least.status, least.peak, least.bound) == ("optimal", 12, 12)
    assert least.offsets is not None
    again = parse_buffers(format_buffers(table, least.offsets))
    assert again.fixed.tolist() == least.offsets.tolist() == [0, 8, 0]
    assert pack(again, 12).peak == 12


def test_progress_ends_with_what_is_returned() -> None:
    told: list[tuple[int, int]] = []
    pack(parse_buffers(TABLE), progress=lambda *now: told.append(now))
    assert told[-1] == (12, 12)


def test_a_capacity_too_small_is_refuted() -> None:
    found = pack(parse_buffers(TABLE), 11)
    assert (found.status, found.offsets, found.bound) == ("infeasible", None, 12)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "the table has no column `id`"),
        ("id,lower,upper\n", "the table has no column `size`"),
        ("id,lower,upper,size,x\n", "the table has a column `x`, which has no meaning here"),
        ("id,lower,upper,size\na,0,1\n", "the table, line 2: 3 cells, the header has 4"),
        (
            "id,lower,upper,size\na,0,1,x",
            "the table, line 2: size is `x`, no whole number below 10**18",
        ),
        (
            "id,lower,upper,size\na,0,1,1\n\na,0,1,1",
            "the table, line 4: id `a` stands in line 2 too",
        ),
        ("id,lower,upper,size,size\n", "the table has two columns `size`"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(text: str, fact: str) -> None:
    with pytest.raises(InputError) as fault:
        parse_buffers(text)
    assert fault.value.fact == fact


def test_the_capacity_may_stand_in_the_name() -> None:
    assert capacity_in_name("set/A.1048576.csv") == 1048576
    assert capacity_in_name("A.csv") is None


def test_the_pictures_show_every_buffer_where_it_stands() -> None:
    table = parse_buffers(TABLE)
    offsets = np.array([0, 8, 0])
    grid = cells(table, offsets, 12, columns=8, rows=12)
    assert grid[::-1][:6, :4].tolist() == [[0] * 4] * 6
    assert grid[::-1][6:8].tolist() == [[-1] * 8] * 2
    assert grid[::-1][8:, :2].tolist() == [[-1] * 2] * 4
    assert grid[::-1][8:, 2:].tolist() == [[1] * 6] * 4
    assert svg(table, offsets, 12).count("<title>") == 3
    assert len(terminal(table, offsets, 12, columns=8, rows=5).splitlines()) == 5


def test_the_command_writes_offsets_and_a_picture(tmp_path: Path) -> None:
    source = tmp_path / "t.12.csv"
    source.write_text(TABLE)
    out, drawn = tmp_path / "o.csv", tmp_path / "o.svg"
    words = [str(source), "-o", str(out), "--picture", str(drawn), "--json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["offsets"] == {"a": 0, "b": 8, "c": 0}
    assert parse_buffers(out.read_text()).fixed.tolist() == [0, 8, 0]
    assert drawn.read_text().startswith("<svg")
    shown = CliRunner().invoke(app, [str(source), "--smallest", "--picture", "-"])
    assert shown.exit_code == 0
    assert "aaaa" in shown.stdout


def test_no_plan_is_exit_1_and_writes_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "t.csv", tmp_path / "o.csv"
    source.write_text(TABLE)
    ended = CliRunner().invoke(app, [str(source), "--capacity", "11", "-o", str(out)])
    assert ended.exit_code == 1
    assert "no plan fits 11 bytes: proven; at least 12 are needed" in ended.stderr
    assert not out.exists()
