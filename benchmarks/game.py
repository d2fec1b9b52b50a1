"""How fast mallocGame is, and what its rule can reach: `python -m benchmarks.game [--reach]`.

Speed: random legal moves, 64 games of a chain of N operators side by side, one core: microseconds
per move (those the game plays itself count as moves), per observation (board 32 x 32, 8 uses), per
clone of a position in the middle of a game; seconds of the processor, not of the wall. A minute.

--reach: the example models with every tensor tracked on the target tpu-v5e, microseconds of the
program: everything off-chip; `msa`; `search` with so many seconds; the game played so that it
follows the plan of `search` use by use, which shows what the rule for windows and places loses; and
the game played one move ahead, by reward. Some five minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.clock import chain
from cosmalloc.latency.msa import msa_plan
from cosmalloc.map_model import problem_of
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arrays import Goal, Ordering
from cosmalloc.rl_agent.game import COPY, DROP, NO_COPY, Games
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.target_file import custom, load_target
from cosmalloc.verify import verify
from examples.models.export import ARTIFACTS

BATCH = 64
SIZES = (100, 500, 2_000)
SPEED = ("operators", "objective", "order", "moves", "us/move", "moves/s", "us/look", "us/clone")
MODELS = ("resnet50", "unet", "mobilenet_v2", "transformer_layer", "train_step", "bert_base")
SCRATCHPADS = ("1MiB", "4MiB", "16MiB")
REACH = ("program", "scratchpad", "off-chip", "msa", "search", "followed", "one ahead")


def speed(operators: int, objective: Goal, order: Ordering) -> tuple[str, ...]:
    """One row."""
    games = Games([chain(operators)] * BATCH, objective=objective, order=order)
    dice = np.random.default_rng(0)
    playing = looking = cloning = 0.0
    looks = clones = 0
    half = np.arange(BATCH // 2)
    asked = 0
    while not games.done().all():
        legal = games.legal()
        moves = np.argmax(legal * dice.random(legal.shape), 1)
        began = time.process_time()
        games.step(moves)
        playing += time.process_time() - began
        asked += 1
        if asked % max(1, operators // 10):
            continue
        began = time.process_time()
        games.observe()
        looking += time.process_time() - began
        looks += BATCH
        saved = games.save(half + BATCH // 2)
        games.clone_slots(half, half + BATCH // 2)
        began = time.process_time()
        games.clone_slots(half, half + BATCH // 2)
        cloning += time.process_time() - began
        clones += BATCH // 2
        games.restore(saved)
    made = int(games.moves_made().sum())
    return (
        f"{operators:,}",
        objective,
        order,
        f"{made // BATCH:,}",
        f"{playing / made * 1e6:.1f}",
        f"{made / playing:,.0f}",
        f"{looking / looks * 1e6:.1f}",
        f"{cloning / clones * 1e6:.1f}",
    )


def followed(problem: Problem, plan: Plan) -> float:
    """The latency of the game that comes nearest to a plan, use by use."""
    games, here = Games([problem]), Presence.of(plan)
    while not games.done()[0]:
        use, legal = games.use(0), games.legal()[0]
        wish = (
            (NO_COPY, COPY, DROP) if here.on_chip(use.tensor, use.step) else (DROP, NO_COPY, COPY)
        )
        games.step([next(move for move in wish if legal[move])])
    return _value(games)


def one_ahead(problem: Problem) -> float:
    """The latency of the game in which each move has the largest reward."""
    games = Games([problem] * 2)
    while not games.done([0])[0]:
        rewards: dict[int, float] = {}
        for move in np.flatnonzero(games.legal([0])[0]).tolist():
            games.clone_slot(0, 1)
            rewards[move] = float(games.step([move], [1])[0][0])
        games.step([max(rewards, key=lambda move: rewards[move])], [0])
    return _value(games)


def _value(games: Games) -> float:
    faults = verify(games.problems[0], games.plan(0))
    if faults:
        raise AssertionError(f"a game ended in an illegal plan: {faults[0]}")
    return games.value(0)


def reach(seconds: float) -> Iterator[tuple[str, ...]]:
    """A row per model and scratchpad."""
    for model in MODELS:
        for size in SCRATCHPADS:
            machine = custom(load_target("tpu-v5e"), scratchpad=size)
            problem = problem_of(str(ARTIFACTS / f"{model}.mlirbc"), target=machine, track="all")
            found = solve(problem, solver="search", objective="latency", seconds=seconds)
            assert found.plan is not None  # everything off-chip is a plan
            values = (
                Games([problem]).base(0),
                simulate(problem, msa_plan(problem)).latency,
                found.value or 0.0,
                followed(problem, found.plan),
                one_ahead(problem),
            )
            yield (model, size, *(f"{value * 1e6:.1f}" for value in values))


def show(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    """A table, row by row as they come."""
    print(f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reach", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    asked = parser.parse_args(words)
    if asked.reach:
        show(REACH, reach(asked.seconds))
        return 0
    modes: list[tuple[Goal, Ordering]] = [
        ("latency", "given"),
        ("latency", "free"),
        ("traffic", "given"),
    ]
    show(SPEED, (speed(size, *mode) for size in asked.sizes for mode in modes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
