"""One set of rows from every engine, and no case run twice, not after a kill either."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from cosmalloc.plan import Objective
from cosmalloc.sweep import Cache, Case, Row, sweep
from cosmalloc.sweep import case as case_door
from cosmalloc.sweep import engines as engines_door
from tests.nets import chain
from tests.sweep_cases import cases


@pytest.mark.parametrize("objective", ["traffic", "latency"])
def test_two_processes_give_the_rows_of_one(objective: Objective) -> None:
    alone = sweep(cases(objective), engine="serial")
    assert sweep(cases(objective), engine="processes", workers=2) == alone


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray_gives_the_rows_of_one_process() -> None:
    work = cases()[:4]
    assert sweep(work, engine="ray", workers=2) == sweep(work, engine="serial")


def test_finished_rows_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    ran: list[int] = []
    real = engines_door.measure

    def counted(case: Case, key: str) -> Row:
        if len(ran) == 5:
            raise KeyboardInterrupt
        ran.append(case.scratchpad)
        return real(case, key)

    monkeypatch.setattr(engines_door, "measure", counted)
    with pytest.raises(KeyboardInterrupt):
        sweep(cases(), engine="serial", cache=cache)
    assert len(list(tmp_path.rglob("*.json"))) == 5
    monkeypatch.setattr(engines_door, "measure", real)
    told: list[bool] = []
    rows = sweep(cases(), engine="serial", cache=cache, done=lambda _row, known: told.append(known))
    assert told == [True] * 5 + [False] * 7
    assert rows == sweep(cases(), engine="serial")


def test_a_damaged_row_counts_as_missing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (row,) = sweep(cases()[3:4], engine="serial", cache=cache)
    (path,) = tmp_path.rglob("*.json")
    assert cache.get(row.key) == row
    for damage in ("", "{", "[]", "{}", json.dumps({**row.to_json(), "key": "0"}), '{"a": 1}'):
        path.write_text(damage)
        assert cache.get(row.key) is None
    assert sweep(cases()[3:4], engine="serial", cache=cache) == [row]
    assert cache.get(row.key) == row


KILLED = """
import sys, time
from pathlib import Path
from cosmalloc.sweep import Cache, Case, case, sweep
from tests.nets import chain
case.fingerprint = lambda: "the code of this test"
net = chain(40, seed=2)
cases = [Case(net, 64 * k, "greedy") for k in range(100, 160)]
sweep(cases, engine="serial", cache=Cache(sys.argv[1]))
"""


def test_a_killed_sweep_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_door, "fingerprint", lambda: "the code of this test")
    root = Path(__file__).parent.parent
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    while child.poll() is None and len(list(tmp_path.rglob("*.json"))) < 10:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    kept = len(list(tmp_path.rglob("*.json")))
    assert kept >= 10
    told: list[bool] = []
    net = chain(40, seed=2)
    work = [Case(net, 64 * k, "greedy") for k in range(100, 160)]
    sweep(work, engine="serial", cache=Cache(tmp_path), done=lambda _, known: told.append(known))
    assert sum(told) == kept
    assert len(told) == 60
