"""What benchmarks.agent says of speed and memory, and of minutes for one program."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import pytest

from benchmarks import agent_speed, agent_tuning
from benchmarks.agent_players import PLAIN, WAYS, Agent
from cosmalloc.rl_agent.mapping_arena import network_sizes, uses_of
from cosmalloc.rl_agent.network import Network
from tests.nets import tangle

pytestmark = pytest.mark.usefixtures("quick_compilation")

NETWORK = Network(network_sizes(hidden=16), jax.random.key(0))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_every_way_to_move_has_its_row_and_a_game_its_bytes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    problem = tangle(9, 3, "anywhere")
    *rows, memory = agent_speed.compare(problem, NETWORK)
    assert [row["mode"] for row in rows] == ["policy", "policy", "model", "model", "game", "game"]
    assert all(float(row["moves_per_second"]) > 0 for row in rows)
    assert 0 <= float(memory["bytes_per_game"]) < float(memory["bytes_resident"])
    said = capsys.readouterr().out
    assert f"{uses_of(problem)} uses" in said
    assert "kB" in said


def test_a_long_run_is_one_for_its_plan_and_for_what_was_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(agent_tuning, "SHORT", 0.2)
    made: list[int] = []
    compiler = agent_tuning.Compiler
    monkeypatch.setattr(agent_tuning, "Compiler", lambda *words: made.append(1) or compiler(*words))
    file = tmp_path / "cells.jsonl"
    for _ in range(2):  # the second goes on from the file
        cells = agent_tuning.compare(
            [tangle(9, 3, "anywhere")], [0.5], Agent(NETWORK, 0.3), 0, file
        )
    assert made == [1]
    assert [cell.column for cell in cells] == list(agent_tuning.Tuning().columns())
    assert len(file.read_text().splitlines()) == 5
    assert "agent, long: " in capsys.readouterr().out


@pytest.mark.parametrize("name", PLAIN)
def test_of_whole_games_each_way_has_as_many(name: str) -> None:
    agent = Agent(NETWORK, 100.0)
    value = agent.plays_games(tangle(9, 3, "anywhere"), WAYS[name], 0)
    assert value == agent.plays_games(tangle(9, 3, "anywhere"), WAYS[name], 0)  # by no clock
