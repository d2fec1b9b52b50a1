"""Metrics as TensorBoard reads them."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from cosmalloc.rl_agent.tensorboard import FOLDER, Board

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """By name and step. A file is records of a length, its checksum, an event and its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for path in sorted((folder / FOLDER).iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
            at += 16 + length
    return found


def test_rows_are_scalars_by_round(tmp_path: Path) -> None:
    board = Board(tmp_path, 0)
    board.add({"round": 1.0, "policy": 0.5, "best": np.inf})
    board.add({"round": 2.0, "policy": 0.25, "exam": 3.0})
    board.close()
    assert scalars(tmp_path) == {("policy", 1): 0.5, ("policy", 2): 0.25, ("exam", 2): 3.0}


def test_a_run_that_goes_on_adds_to_what_is_there(tmp_path: Path) -> None:
    for rounds in (0, 1):
        board = Board(tmp_path, rounds)
        board.add({"round": rounds + 1.0, "policy": float(rounds)})
        board.close()
    assert scalars(tmp_path) == {("policy", 1): 0.0, ("policy", 2): 1.0}


def test_without_tensorboardx_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    board = Board(tmp_path, 0)
    board.add({"round": 1.0, "policy": 0.5})
    board.close()
    assert not list(tmp_path.iterdir())
