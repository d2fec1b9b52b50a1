"""Files are read within limits and written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes, read_text, write_whole


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "π\n")
    assert read_text(tmp_path / "a") == "π\n"
    write_whole(tmp_path / "a", b"\xff")
    assert read_bytes(tmp_path / "a") == b"\xff"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*/a: No such file or directory"):
        read_text(tmp_path / "a")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*: Is a directory"):
        read_text(tmp_path)
    with pytest.raises(InputError, match=r"cannot write .*: it is a folder"):
        write_whole(tmp_path, "")


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", limit=5) == b"12345"
    with pytest.raises(InputError, match="has more than 4 bytes"):
        read_bytes(tmp_path / "a", limit=4)


def test_text_is_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ab\xff")
    with pytest.raises(InputError, match="is no UTF-8 text: byte 2 is wrong"):
        read_text(tmp_path / "a")


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*/no/a: No such file or directory"):
        write_whole(tmp_path / "no" / "a", "")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    write_whole(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*/a: No space left on device"):
        write_whole(tmp_path / "a", "new")
    assert read_text(tmp_path / "a") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_whole(tmp_path / "new", "")
    usual = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == usual
    (tmp_path / "new").chmod(0o640)
    write_whole(tmp_path / "new", "again")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_keeps_pointing_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_whole("/dev/null", "gone")
    assert Path("/dev/null").is_char_device()
