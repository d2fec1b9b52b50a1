"""What the agent of solver `rl` is worth.

    python -m benchmarks.agent held-out [--seconds S] [--shares 0.12,0.25,0.5,1] [--cells FILE]
                                        [--columns C,C] [--show] [NAME ...]
    python -m benchmarks.agent traffic [--seconds S] [--shares …] [--cells FILE] [NAME ...]
    python -m benchmarks.agent small [--count N] [--seed N] [--seeds N] [--seconds S]
                                     [--columns C,C] [--cells FILE]
    python -m benchmarks.agent starts [--shares …] [NAME ...]
    python -m benchmarks.agent tuning [--seconds S] [--shares …] [--cells FILE] [NAME ...]
    python -m benchmarks.agent ablation [--seconds S | --games N] [--seeds N] [--cells FILE]
                                        [NAME ...]
    python -m benchmarks.agent speed
    python -m benchmarks.agent throughput [--seconds S]
    python -m benchmarks.agent training --folder F [--seconds S] [--seeds N] [VARIANT ...]
    python -m benchmarks.agent curves RUN ... [--output docs/data/agent]

held-out: model families that training never saw, at shares of their peak, in microseconds: XLA's
rule, `greedy`, evolutionary search and `search` at the agent's seconds, the network's likeliest
game, the agent alone (raw) and as it ships (prod), which starts from the rivals' plans, too; with
--cells a run that was ended goes on. traffic: bytes against `greedy` and what `ilp` proves. small:
programs whose optimum `ilp` proves, how often the agent finds it. starts: annealing from games of
the network and of dice. tuning: minutes for one program, and what the network has learned of it.
ablation: the agent without one of its means, at equal seconds, or as many --games. speed: moves,
simulations and games a second, memory. throughput: the same of self-play here and by actors on Ray,
and what limits it (agent_actors.py). training: from nothing, S seconds for each seed and for each
of its means left out. curves: metrics of training runs as CSV and a picture, `exam` of families
never seen, `check` of unseen programs of those seen. Takes S seconds for each figure of a row;
every plan is verified.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks import (
    agent_actors,
    agent_cells,
    agent_curves,
    agent_held_out,
    agent_small,
    agent_speed,
    agent_starts,
    agent_traffic,
    agent_training,
    agent_tuning,
)
from benchmarks.agent_cells import Book, Figure
from benchmarks.agent_players import PLAIN, WAYS, Agent, head, line, solved
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.curriculum import HELD_OUT, TRAINED, models
from cosmalloc.rl_agent.network_file import shipped
from cosmalloc.rl_agent.solver import known
from examples.models.export import ARTIFACTS

SHORT = ("transformer_layer", "decode_step", "unet", "mobilenet_v2")
LONG = ("lraspp_mobilenet_v3", "train_step", "densenet121", "vit_b16")
Rows = list[dict[str, float | str]]


def agent_of(options: argparse.Namespace) -> Agent:
    return Agent(known(options.weights), options.seconds)


def held_out(options: argparse.Namespace) -> Rows:
    """One row for each program, share and seed."""
    names = options.names or [name for each in HELD_OUT.values() for name in each]
    columns = options.columns.split(",") if options.columns else list(agent_held_out.COLUMNS)
    if options.show:
        cells = [each for each in agent_cells.kept(options.cells) if each.program in names]
    else:
        programs = models(names, ARTIFACTS)
        shares = [float(each) for each in options.shares.split(",")]
        cells = []
        for seed in range(options.seed, options.seed + options.seeds):
            cells += agent_held_out.fill(
                programs, shares, columns, agent_of(options), seed, options.cells
            )
    agent_held_out.show(cells, columns, options.seconds)
    return [asdict(cell) for cell in cells]


def traffic(options: argparse.Namespace) -> Rows:
    """Bytes instead of seconds, with the program's own order and a free one."""
    names = options.names or [*SHORT, *LONG]
    shares = [float(each) for each in options.shares.split(",")]
    cells = agent_traffic.compare(
        models(names, ARTIFACTS), shares, agent_of(options), options.seed, options.cells
    )
    return [asdict(cell) for cell in cells]


def small(options: argparse.Namespace) -> Rows:
    """How often the agent finds what `ilp` proves to be the optimum."""
    known_models = models([name for each in HELD_OUT.values() for name in each], ARTIFACTS)
    columns = options.columns.split(",") if options.columns else list(agent_small.SOLVERS)
    rows, tried = [], 0
    for seed in range(options.seed, options.seed + options.seeds):
        found, more = agent_small.compare(
            known_models,
            options.count,
            agent_of(options),
            seed,
            options.proof,
            options.cells,
            columns,
        )
        rows, tried = rows + found, tried + more
    agent_small.show(rows, tried)
    return [dict(row) for row in rows]


def starts(options: argparse.Namespace) -> Rows:
    """Annealing from the network's games, from games of dice, from XLA's rule."""
    names = options.names or [name for each in HELD_OUT.values() for name in each]
    shares = [float(each) for each in options.shares.split(",")]
    network = known(options.weights)
    return agent_starts.compare(models(names, ARTIFACTS), shares, network, options.seed)


def tuning(options: argparse.Namespace) -> Rows:
    """Long learning of one program, of each by itself."""
    names = options.names or ["unet", "train_step", "densenet121"]
    shares = [float(each) for each in options.shares.split(",")]
    cells = agent_tuning.compare(
        models(names, ARTIFACTS), shares, agent_of(options), options.seed, options.cells
    )
    return [asdict(cell) for cell in cells]


def ablation(options: argparse.Namespace) -> Rows:
    """Each way against `msa`, mean over programs and shares, and over seeds."""
    agent, book = agent_of(options), Book(options.cells)
    names = options.names or ["unet", *LONG]
    shares = [float(each) for each in options.shares.split(",")]
    cases = [(at_share(p, share), share) for p in models(names, ARTIFACTS) for share in shares]
    rivals = [solved(case, "msa", 1.0, 0) for case, _ in cases]
    if options.games:
        agent = replace(agent, seconds=float(options.games))
        columns: dict[str, Figure] = {
            f"{name}, games": lambda p, player, seed, way=WAYS[name]: player.plays_games(
                p, way, seed
            )
            for name in PLAIN
        }
    else:
        columns = {
            name: lambda p, player, seed, way=way: player.plays(p, way, seed)
            for name, way in WAYS.items()
        }
    rows: Rows = []
    head(("means", *(f"seed {seed}" for seed in range(options.seeds)), "mean"))
    for name in columns:
        means = []
        for seed in range(options.seeds):
            values = [
                book.value(case.name, case, share, columns, name, agent, seed).value
                for case, share in cases
            ]
            against = [value / rival - 1 for value, rival in zip(values, rivals, strict=True)]
            means.append(float(np.mean(against)))
        rows.append({"means": name, "against_msa": float(np.mean(means))})
        line((name, *(f"{each:+.2%}" for each in means), f"{np.mean(means):+.2%}"))
    return rows


def speed(options: argparse.Namespace) -> Rows:
    """Moves and simulations a second, games a minute, memory."""
    problem = at_share(models(["resnet50"], ARTIFACTS)[0], 0.25)
    return agent_speed.compare(problem, known(options.weights))


def throughput(options: argparse.Namespace) -> Rows:
    """Games and moves a second of self-play, and the shares of what they wait for."""
    parts = ("network", "game", "rest", "sending")
    head(("moves by", "who", "games/s", "moves/s", *parts, "MB a round"))
    rows: Rows = []
    network = known(options.weights)
    for mode, who, found in agent_actors.throughput(network, options.seconds, options.seed):
        rows.append({"mode": mode, "who": who, **asdict(found)})
        line(
            (
                mode,
                who,
                f"{found.games_per_second:,.1f}",
                f"{found.moves_per_second:,.0f}",
                *(f"{getattr(found, part):.0%}" for part in parts),
                f"{found.bytes_per_round / 1e6:,.1f}",
            )
        )
    return rows


def training(options: argparse.Namespace) -> Rows:
    """From nothing, by seeds, whole and with one of its means left out."""
    variants = options.names or list(agent_training.VARIANTS)
    seeds = range(options.seed, options.seed + options.seeds)
    found = agent_training.compare(options.folder, variants, seeds, options.seconds)
    return [asdict(each) for each in found]


def curves(options: argparse.Namespace) -> Rows:
    """What the exams said, against rounds and seconds."""
    rows = [row for run in options.names for row in agent_curves.exams_of(Path(run))]
    agent_curves.draw(rows, options.output)
    return [asdict(row) for row in rows]


PARTS: dict[str, Callable[[argparse.Namespace], Rows]] = {
    "held-out": held_out,
    "traffic": traffic,
    "small": small,
    "starts": starts,
    "tuning": tuning,
    "ablation": ablation,
    "speed": speed,
    "throughput": throughput,
    "training": training,
    "curves": curves,
}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=tuple(PARTS))
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--proof", type=float, default=2.0, help="seconds of `ilp`")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shares", default="0.12,0.25,0.5,1")
    parser.add_argument("--weights", type=Path, default=shipped())
    parser.add_argument("--columns", help="of held-out and small, with commas between them; all")
    parser.add_argument("--cells", type=Path, help="file of figures, to go on from")
    parser.add_argument("--folder", type=Path, default=Path("runs"), help="of training runs")
    parser.add_argument("--games", type=int, help="of ablation: so many, instead of seconds")
    parser.add_argument("--show", action="store_true", help="only what --cells has")
    parser.add_argument("--output", default="docs/data/agent")
    parser.add_argument("--json", type=Path)
    options = parser.parse_intermixed_args(words)
    unknown = [name for name in options.names if name in TRAINED]
    if options.part == "held-out" and unknown:
        parser.error(f"{', '.join(unknown)}: the agent was trained on it")
    rows = PARTS[options.part](options)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
