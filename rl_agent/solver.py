"""The solver `rl`: the agent, and never worse than `greedy` and `msa`.

`prod` (the default of the solver) starts from their plans as well as from the agent's own games and
keeps the best of all, as a compiler would; `raw` is the agent alone, for the benchmarks.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType
from typing import cast

from cosmalloc.errors import InputError
from cosmalloc.greedy import solve as greedy
from cosmalloc.history import Interrupted, Standing
from cosmalloc.latency.msa import outcome_of, unfit
from cosmalloc.latency.msa import solve as msa
from cosmalloc.objective import bound
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling, Found
from cosmalloc.rl_agent.game import GAME_VERSION
from cosmalloc.rl_agent.mapping_arena import GameObjective, Order, Rules
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.network_file import read_network, shipped

Progress = Callable[[str, float], None]
GIVEN = 0.5  # of the time is for the given order, where any is allowed


def solve(
    problem: Problem,
    *,
    objective: Objective = "latency",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """As every solver, in mode `prod`: `greedy` as with all of the time, of which it takes what it
    needs, `msa`, then the agent. Ctrl-C brings the best plan so far."""
    if objective == "peak":
        why = "it plays for latency or traffic, not for objective `peak`"
        return Outcome(problem.name, "rl", "unknown", objective, reason=why)
    began = time.perf_counter()
    first = greedy(problem, objective=objective, seconds=seconds, seed=seed, progress=progress)
    rivals = [first]
    if first.status in ("optimal", "infeasible"):
        return replace(first, solver="rl")
    if not unfit(problem, objective):
        rivals.append(msa(problem, objective=objective))
    left = max(0.0, seconds - (time.perf_counter() - began))
    plans = [each.plan for each in rivals if each.plan is not None]
    try:
        order: Order = "free" if objective == "traffic" else "given"
        found = raw(problem, objective, left, seed, order=order, plans=plans, progress=progress)
    except InputError:  # the game has no room where `greedy` may have a plan
        if not plans:
            raise
    else:
        plans.append(found.plan)
    outcomes = [outcome_of(problem, "rl", objective, plan) for plan in plans]
    return min(outcomes, key=lambda each: cast(float, each.value))


def raw(
    problem: Problem,
    objective: GameObjective = "latency",
    seconds: float = 10.0,
    seed: int = 0,
    *,
    order: Order = "given",
    how: Compiling | None = None,
    network: Network | None = None,
    plans: Sequence[Plan] = (),
    progress: Progress | None = None,
) -> Found:
    """The agent alone, unless it starts from `plans` of others as well. order: `free` begins with
    the given one for a share of the time, and goes on from its games. network: the shipped one if
    None.

    InputError for a program that the game can't be played on.
    """
    least = bound(problem, objective)
    began = time.perf_counter()

    def tell(value: float, _share: float) -> None:
        if progress is not None:
            share = (time.perf_counter() - began) / max(1e-9, seconds)
            progress(Standing("playing", value, min(least, value)), min(1.0, share))

    brain, means = network or known(shipped()), how or Compiling()
    given = Compiler(problem, Rules(objective), brain, means, seed, tell=tell)
    with listening() as interrupted:
        found = given.run(GIVEN * seconds if order == "free" else seconds, interrupted, plans)
        if order == "free" and not (interrupted() or given.proven):
            free = Compiler(problem, Rules(objective, "free"), brain, means, seed, tell=tell)
            left = seconds - (time.perf_counter() - began)
            found = found.joined(free.run(left, interrupted, plans, given.lines))
        if interrupted() and progress is not None:
            progress(Interrupted("interrupted"), 1.0)
    return found


@cache
def known(path: Path) -> Network:
    """The network of a file that fits this game. Raises InputError."""
    network, facts = read_network(path)
    if facts.get("game") != str(GAME_VERSION):
        raise InputError(
            f"{path} was trained on version {facts.get('game')} of the game, this is version"
            f" {GAME_VERSION}",
            "train it anew: `cosmalloc agent train`",
        )
    return network


@contextmanager
def listening() -> Iterator[Callable[[], bool]]:
    """Ctrl-C sets a flag instead of raising, where this is the main thread."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def press(_number: int, _frame: FrameType | None) -> None:
        pressed.set()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
