"""Moves, simulations and games a second of this machine, and memory, for benchmarks.agent."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from benchmarks.agent_players import head, line
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, Mode, Playing, play, player
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, graphs_of, uses_of
from cosmalloc.rl_agent.network import Network, parameters

MODES: tuple[tuple[Mode, int], ...] = (("policy", 0), ("model", 8), ("game", 8))
MANY = 1024  # games whose memory is measured


def compare(problem: Problem, network: Network) -> list[dict[str, float | str]]:
    """A row for each way to move and number of games side by side; then memory."""
    brain = Brain(network, graphs_of([problem]))
    print(f"{parameters(network):,} parameters; {problem.name}, {uses_of(problem)} uses\n")
    head(("moves by", "slots", "moves/s", "simulations/s", "games/min"))
    rows: list[dict[str, float | str]] = []
    for mode, simulations in MODES:
        for slots in (32, 128):
            moves, took = played(problem, brain, mode, simulations, slots)
            rows.append({"mode": mode, "slots": slots, "moves_per_second": moves / took})
            figures = (moves / took, moves * simulations / took, 60 * slots / took)
            line((mode, str(slots), *(f"{each:,.0f}" for each in figures)))
    each = game_bytes(problem)
    print(
        f"\nat its end, a game holds {each / 1e3:,.0f} kB; the process {resident() / 1e6:,.0f} MB"
    )
    return [*rows, {"bytes_per_game": each, "bytes_resident": float(resident())}]


def played(
    problem: Problem, brain: Brain, mode: Mode, simulations: int, slots: int
) -> tuple[int, float]:
    """Moves and seconds of one game in each slot, compiled before."""
    arena = MappingArena([problem] * slots, Rules(), simulations)
    decide = player(arena, brain, Playing(mode, max(2, simulations)), np.random.default_rng(0))
    decide(arena.look())
    began = time.perf_counter()
    done = play(arena, decide)
    took = time.perf_counter() - began
    assert done is not None  # nobody stops it
    return int((done.moves >= 0).sum()), took


def game_bytes(problem: Problem) -> float:
    """Of one game that is over, beside what games of one program share."""
    before = resident()
    arena = MappingArena([problem] * MANY, Rules())
    arena.reset()
    done = np.zeros(MANY, bool)
    while not done.all():
        _, done = arena.play(arena.legal().argmax(1))
    return (resident() - before) / MANY


def resident() -> int:
    """Bytes of this process in memory, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
