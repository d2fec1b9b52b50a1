"""Held-out cells of benchmarks.agent: kept, gone on with, joined to rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax
import pytest

from benchmarks import agent_cells, agent_held_out, agent_small
from benchmarks.agent_players import Agent
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.mapping_arena import network_sizes
from cosmalloc.rl_agent.network import Network
from tests.nets import chain

AGENT = Agent(Network(network_sizes(hidden=16), jax.random.key(0)), 0.1)


def program() -> Problem:
    problem = chain(8)
    return replace(problem, target=replace(problem.target, operand_rule="anywhere"))


def test_a_run_goes_on_where_an_earlier_one_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cells.jsonl"
    first = agent_held_out.fill([program()], [0.5], ["msa"], AGENT, 0, file)
    file.write_text(file.read_text() + '{"program": "cut o')  # killed while it wrote
    file.write_text(file.read_text() + "\n")
    monkeypatch.setitem(agent_held_out.COLUMNS, "msa", lambda *_: 0.0)
    again = agent_held_out.fill([program()], [0.5, 1.0], ["msa", "greedy"], AGENT, 0, file)
    assert first[0].value > 0
    assert again[0] == first[0]
    assert [cell.column for cell in again] == ["msa", "greedy", "msa", "greedy"]
    assert again[2].value == 0.0
    assert list(agent_cells.kept(file)) == again


def test_rows_join_the_columns_of_one_time_limit(capsys: pytest.CaptureFixture[str]) -> None:
    cell = agent_cells.Cell("net", 9, 0.5, "msa", 1.0, 0, 2e-6)
    cells = [
        cell,
        replace(cell, column="raw", value=1e-6),
        replace(cell, column="raw", seconds=9.0, value=0.5e-6),
    ]
    rows = agent_cells.rows_of(cells, 1.0)
    assert rows == {("net", 0.5, 0): {"uses": 9, "msa": 2e-6, "raw": 1e-6}}
    said = agent_cells.against(list(rows.values()), "raw", "msa")
    assert said == "-50.00% against msa; less on 1, more on 0, of 1"
    agent_held_out.show(cells, ["msa", "raw"], 1.0)
    said = capsys.readouterr().out
    assert "| net | 9 | 50% | 2.0 | 1.0 | - |" in said


def test_every_column_brings_the_seconds_of_a_legal_plan_or_a_bound() -> None:
    cheap = ["bound", "msa", "greedy", "search", "evolution", "likeliest"]
    cells = agent_held_out.fill([program()], [0.4], cheap, AGENT, 0, None)
    values = {cell.column: cell.value for cell in cells}
    assert values["bound"] <= min(values.values())


def test_small_programs_are_compared_with_their_optimum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cells.jsonl"
    rows, tried = agent_small.compare([program()], 2, AGENT, 1, 2.0, file, ("msa", "greedy"))
    assert tried >= len(rows) == 2
    assert all(row["optimum"] <= min(row["msa"], row["greedy"]) * (1 + 1e-5) for row in rows)
    agent_small.show(rows, tried)
    said = capsys.readouterr().out
    assert "| msa |" in said
    assert "| prod |" not in said
