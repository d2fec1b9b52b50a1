"""What the agent of solver `rl` is worth.

    python -m benchmarks.agent held-out [--seconds S] [--shares 0.12,0.25,0.5,1] [NAME ...]
    python -m benchmarks.agent small [--count N] [--seconds S]
    python -m benchmarks.agent ablation [--seconds S] [NAME ...]
    python -m benchmarks.agent speed
    python -m benchmarks.agent throughput [--seconds S]
    python -m benchmarks.agent curves RUN ... [--output docs/data/agent]

held-out: model families that training never saw, at shares of their peak, in microseconds: XLA's
rule, `greedy`, evolutionary search and `search` at the agent's seconds, the network's likeliest
game, the agent alone (raw) and with the rivals' plans at hand (prod). small: programs whose optimum
`ilp` proves, how often the agent finds it. ablation: the agent without one of its means. speed:
moves, simulations and games a second on this machine. throughput: the same of self-play here and
by actors on Ray, and what limits it (agent_actors.py). curves: metrics of training runs as CSV and
a picture, `exam` of families never seen, `check` of unseen programs of those seen. Takes S seconds
for each figure of a row; every plan is verified.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import agent_actors
from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, Mode, Playing, play, player
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compile import Compiling
from cosmalloc.rl_agent.curriculum import HELD_OUT, TRAINED, models
from cosmalloc.rl_agent.cuttings import cutting
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, graphs_of, uses_of
from cosmalloc.rl_agent.network import Network, parameters
from cosmalloc.rl_agent.network_file import shipped
from cosmalloc.rl_agent.solver import known, raw
from cosmalloc.solve import solve
from cosmalloc.verify import verify
from examples.models.export import ARTIFACTS

EVEN = Compiling(policy=False, search=0.0, tune=0, turns=1)
WAYS: dict[str, Compiling] = {  # name -> what of the agent is at work
    "random": replace(EVEN, improve=False),
    "evolution": EVEN,
    "policy": Compiling(search=0.0, improve=False, tune=0, turns=1),
    "policy, search": Compiling(search=1.0, improve=False, tune=0, turns=1),
    "no small changes": Compiling(improve=False),
    "no search": Compiling(search=0.0),
    "no learning": Compiling(tune=0),
    "agent": Compiling(),
}
CLOSE = 1e-6  # relative: found


HEAD = (  # of the table of curves
    "title: Training of the agent that ships",
    "command: python -m benchmarks.agent curves RUN",
    "note: latency over the better of `msa` and `greedy`; busy machine, 2 cores, no GPU",
)


def measured(problem: Problem, plan: Plan | None) -> float:
    """Seconds of a plan that the judge has nothing against."""
    if plan is None:
        raise AssertionError(f"{problem.name}: no plan")
    faults = verify(problem, plan)
    if faults:
        raise AssertionError(f"{problem.name}: {faults[0]}")
    return objective_value(problem, plan, "latency")


def solved(problem: Problem, solver: str, seconds: float, seed: int) -> float:
    found = solve(problem, objective="latency", solver=solver, seconds=seconds, seed=seed)
    return measured(problem, found.plan)


@dataclass(frozen=True)
class Agent:
    """network, and the time it has. clock: what counts as seconds."""

    network: Network
    seconds: float
    clock: Callable[[], float]

    def plays(self, problem: Problem, way: Compiling, seed: int) -> float:
        """With these means alone."""
        found = raw(
            problem, "latency", self.seconds, seed, how=way, network=self.network, clock=self.clock
        )
        return measured(problem, found.plan)

    def at_best(self, problem: Problem, seed: int) -> float:
        """Mode prod: it starts from the rivals' plans, too, and keeps them where it is worse."""
        rivals = [
            solve(problem, objective="latency", solver=name, seconds=self.seconds / 10).plan
            for name in ("msa", "greedy")
        ]
        plans = [plan for plan in rivals if plan is not None]
        found = raw(
            problem,
            "latency",
            0.9 * self.seconds,
            seed,
            network=self.network,
            plans=plans,
            clock=self.clock,
        )
        return min(measured(problem, plan) for plan in (*plans, found.plan))


def agent_of(options: argparse.Namespace) -> Agent:
    clock = time.process_time if options.cpu else time.perf_counter
    return Agent(known(options.weights), options.seconds, clock)


def liked(problem: Problem, network: Network) -> float:
    """The network's likeliest game."""
    arena = MappingArena([problem], Rules())
    brain = Brain(network, graphs_of([problem]))
    how = Playing("policy", temperature=0.0)
    play(arena, player(arena, brain, how, np.random.default_rng(0)))
    return measured(problem, arena.plan(0))


def line(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def head(cells: Sequence[str]) -> None:
    line(cells)
    print(f"|{'---|' * len(cells)}", flush=True)


def held_out(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """One row for each program and share."""
    agent = agent_of(options)
    names = options.names or [name for each in HELD_OUT.values() for name in each]
    solvers = ("msa", "greedy", "evolution", "search", "likeliest", "raw", "prod")
    head(("program", "uses", "share", *solvers, "raw against msa", "prod against msa"))
    rows: list[dict[str, float | str]] = []
    for problem in models(names, ARTIFACTS):
        for share in (float(each) for each in options.shares.split(",")):
            case, seconds, seed = at_share(problem, share), options.seconds, options.seed
            msa, greedy = (solved(case, name, seconds, seed) for name in ("msa", "greedy"))
            values = {
                "msa": msa,
                "greedy": greedy,
                "evolution": agent.plays(case, EVEN, seed),
                "search": solved(case, "search", seconds, seed),
                "likeliest": liked(case, agent.network),
                "raw": agent.plays(case, WAYS["agent"], seed),
            }
            values["prod"] = agent.at_best(case, seed)
            rows.append({"program": problem.name, "share": share, **values})
            line(
                (
                    problem.name,
                    f"{uses_of(case):,}",
                    f"{share:.0%}",
                    *(f"{values[name] * 1e6:,.1f}" for name in solvers),
                    f"{values['raw'] / msa - 1:+.1%}",
                    f"{values['prod'] / msa - 1:+.1%}",
                )
            )
    _sum_up(rows)
    return rows


def _sum_up(rows: list[dict[str, float | str]]) -> None:
    def mean(name: str) -> float:
        return float(np.mean([float(row[name]) / float(row["msa"]) - 1 for row in rows]))

    def beats(one: str, other: str) -> str:
        pairs = [(float(row[one]), float(row[other])) for row in rows]
        less = sum(a < b * (1 - CLOSE) for a, b in pairs)
        more = sum(a > b * (1 + CLOSE) for a, b in pairs)
        return f"less than {other} on {less}, more on {more}, of {len(rows)}"

    print()
    for name in ("greedy", "evolution", "search", "likeliest", "raw", "prod"):
        print(f"{name}: {mean(name):+.2%} against msa; {beats(name, 'msa')}")
    print(f"raw: {beats('raw', 'evolution')}; {beats('raw', 'greedy')}; {beats('raw', 'search')}")


def small_programs(count: int, seed: int) -> Iterator[Problem]:
    """Cuttings of the models of no training, of at most 24 operators."""
    rng = np.random.default_rng(seed)
    known_models = models([name for each in HELD_OUT.values() for name in each], ARTIFACTS)
    while count:
        made = cutting(known_models[int(rng.integers(len(known_models)))], rng, longest=24)
        if uses_of(made) >= 4:
            count -= 1
            yield made


def small(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """How often the agent finds what `ilp` proves to be the optimum."""
    agent = agent_of(options)
    rows: list[dict[str, float | str]] = []
    tried = 0
    for problem in small_programs(100 * options.count, options.seed):
        if len(rows) == options.count:
            break
        tried += 1
        exact = solve(problem, objective="latency", solver="ilp", seconds=options.proof)
        if exact.status != "optimal" or exact.value is None or exact.bound is None:
            continue
        values = {
            "optimum": measured(problem, exact.plan),
            "msa": solved(problem, "msa", 1.0, 0),
            "greedy": solved(problem, "greedy", 1.0, 0),
            "evolution": agent.plays(problem, EVEN, 0),
            "raw": agent.plays(problem, WAYS["agent"], 0),
        }
        values["prod"] = agent.at_best(problem, 0)
        rows.append({"program": problem.name, **values})
    print(f"{len(rows)} programs with a proven optimum, of {tried} tried\n")
    head(("solver", "optimum found", "mean gap", "largest gap"))
    for name in ("msa", "greedy", "evolution", "raw", "prod"):
        gaps = np.array([float(row[name]) / float(row["optimum"]) - 1 for row in rows])
        line((name, f"{(gaps <= CLOSE).mean():.1%}", f"{gaps.mean():.2%}", f"{gaps.max():.1%}"))
    return rows


def ablation(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """Each way against `msa`, mean over programs and shares, and over seeds."""
    agent = agent_of(options)
    names = options.names or ["transformer_layer", "unet", "mobilenet_v2", "decode_step"]
    cases = [
        at_share(problem, float(share))
        for problem in models(names, ARTIFACTS)
        for share in options.shares.split(",")
    ]
    rivals = [solved(case, "msa", 1.0, 0) for case in cases]
    rows: list[dict[str, float | str]] = []
    head(("means", *(f"seed {seed}" for seed in range(options.seeds)), "mean"))
    for name, way in WAYS.items():
        means = []
        for seed in range(options.seeds):
            values = [agent.plays(case, way, seed) for case in cases]
            against = [value / rival - 1 for value, rival in zip(values, rivals, strict=True)]
            means.append(float(np.mean(against)))
        rows.append({"means": name, "against_msa": float(np.mean(means))})
        line((name, *(f"{each:+.2%}" for each in means), f"{np.mean(means):+.2%}"))
    return rows


def speed(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """Moves and simulations a second, games a minute."""
    network = known(options.weights)
    problem = at_share(models(["resnet50"], ARTIFACTS)[0], 0.25)
    brain = Brain(network, graphs_of([problem]))
    modes: list[tuple[Mode, int]] = [("policy", 0), ("model", 8), ("game", 8)]
    print(f"{parameters(network):,} parameters; resnet50, {uses_of(problem)} uses\n")
    head(("moves by", "slots", "moves/s", "simulations/s", "games/min"))
    rows: list[dict[str, float | str]] = []
    for mode, simulations in modes:
        for slots in (32, 128):
            arena = MappingArena([problem] * slots, Rules(), simulations)
            how = Playing(mode, max(2, simulations))
            decide = player(arena, brain, how, np.random.default_rng(0))
            decide(arena.look())  # compiled
            began = time.perf_counter()
            done = play(arena, decide)
            took = time.perf_counter() - began
            assert done is not None
            moves = int((done.moves >= 0).sum())
            rows.append({"mode": mode, "slots": slots, "moves_per_second": moves / took})
            line(
                (
                    mode,
                    str(slots),
                    f"{moves / took:,.0f}",
                    f"{moves * simulations / took:,.0f}",
                    f"{60 * slots / took:,.0f}",
                )
            )
    return rows


def throughput(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """Games and moves a second of self-play, and the shares of what they wait for."""
    parts = ("network", "game", "rest", "sending")
    head(("moves by", "who", "games/s", "moves/s", *parts, "MB a round"))
    rows: list[dict[str, float | str]] = []
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


def curves(options: argparse.Namespace) -> list[dict[str, float | str]]:
    """What the exams said, against rounds and seconds."""
    from matplotlib.figure import Figure

    rows: list[dict[str, float | str]] = []
    for run in options.names:
        with (Path(run) / "metrics.csv").open() as file:
            rows += [
                {
                    "run": Path(run).name,
                    **{
                        key: float(row[key])
                        for key in ("round", "moves", "seconds", "exam", "check")
                    },
                }
                for row in csv.DictReader(file)
                if row.get("exam")
            ]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, key in zip(axes, ("moves", "seconds"), strict=True):
        for run in dict.fromkeys(str(row["run"]) for row in rows):
            mine = [row for row in rows if row["run"] == run]
            for name, style in (("exam", "-"), ("check", ":")):
                values = [row[name] for row in mine]
                axis.plot([row[key] for row in mine], values, style, label=f"{run}, {name}")
        axis.set_xlabel({"moves": "moves of self-play", "seconds": "seconds of training"}[key])
        axis.axhline(1.0, color="grey", linewidth=0.8)
    axes[0].set_ylabel("latency / better of msa, greedy")
    axes[1].legend()
    figure.savefig(f"{options.output}.svg")
    with Path(f"{options.output}.csv").open("w", newline="") as file:
        file.writelines(f"# {line}\n" for line in HEAD)
        writer = csv.DictWriter(file, ("run", "round", "moves", "seconds", "exam", "check"))
        writer.writeheader()
        writer.writerows(rows)
    return rows


PARTS: dict[str, Callable[[argparse.Namespace], list[dict[str, float | str]]]] = {
    "held-out": held_out,
    "small": small,
    "ablation": ablation,
    "speed": speed,
    "throughput": throughput,
    "curves": curves,
}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=tuple(PARTS))
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--proof", type=float, default=2.0, help="seconds of `ilp`")
    parser.add_argument(
        "--cpu", action="store_true", help="the agent's seconds are the processor's"
    )
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shares", default="0.12,0.25,0.5,1")
    parser.add_argument("--weights", type=Path, default=shipped())
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
