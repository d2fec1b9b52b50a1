"""`cosmalloc agent`: train the agent of solver `rl`, measure it, watch it and play yourself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_facts, print_json, print_table, progress_bar
from cosmalloc.cli.sources import HowToRead, Machine, problem_from
from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cosmalloc.problem import Problem

app = typer.Typer(no_args_is_help=True, help="Train, measure and play the agent of solver `rl`.")

Programs = Annotated[
    list[str], typer.Argument(metavar="MODEL|PROBLEM.json...", help="One or several.")
]
Target = Annotated[
    str | None,
    typer.Option(help="A shipped machine or a TOML file [a problem's own, tpu-v5e for a model]."),
]
Weights = Annotated[str | None, typer.Option(help="A network or a checkpoint [the one shipped].")]


@app.command("train")
def train_(
    folder: Annotated[str, typer.Argument(help="Checkpoint and metrics; a run there goes on.")],
    models: Annotated[
        list[str], typer.Argument(metavar="[MODEL|PROBLEM.json...]", help="To train on.")
    ] = [],  # noqa: B006 - typer's way
    programs: Annotated[
        str | None, typer.Option(help="A folder of *.problem.json to train on, too.")
    ] = None,
    exam: Annotated[
        list[str], typer.Option(help="A model to measure on now and then; several times.")
    ] = [],  # noqa: B006 - typer's way
    shares: Annotated[int, typer.Option(help="Scratchpad sizes of each program.")] = 4,
    cuttings: Annotated[int, typer.Option(help="Rows of operators cut out of them.")] = 300,
    families: Annotated[int, typer.Option(help="Programs of the generator.")] = 200,
    target: Target = None,
    objective: o.ObjectiveName = "latency",
    order: Annotated[str, typer.Option(help="Of operators: `given` or `free`.")] = "given",
    seconds: Annotated[float, typer.Option(help="How long.")] = 3600.0,
    mode: Annotated[
        str, typer.Option(help="Self-play by `policy`, or by search in the `model` or `game`.")
    ] = "game",
    simulations: Annotated[int, typer.Option(min=2, max=256, help="At each move.")] = 6,
    lessons: Annotated[int, typer.Option(help="Rounds of imitation before self-play.")] = 40,
    rounds: Annotated[int | None, typer.Option(help="No more than so many rounds.")] = None,
    no_graph: Annotated[
        bool, typer.Option("--no-graph", help="A network that sees no graph.")
    ] = False,
    seed: o.Seed = 0,
    actors: Annotated[
        str | None,
        typer.Option(
            metavar="N|ray://HOST:PORT",
            help="Games are played by N processes of Ray's, or by one for each processor of a"
            " cluster [in this process].",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="Write the network: W.safetensors.")
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Train an agent; Ctrl-C, a kill and a power cut all leave a run that goes on."""
    from cosmalloc.files import check_writable

    if output is not None:
        check_writable(output)
    if not models and programs is None:
        raise InputError("there is no program to train on", "give models, or --programs FOLDER")
    from cosmalloc.rl_agent.program_files import programs_in
    from cosmalloc.rl_agent.training import Asked, train_on

    if actors is not None:
        from cosmalloc.rl_agent.ray_actors import cluster_of

        cluster_of(actors)

    play = (_goal(objective), _order(order), _mode(mode), simulations)
    asked = Asked(*play, lessons, shares, cuttings, families, not no_graph, seed)
    machine = Machine(target)
    exams = [_problem(path, machine) for path in exam]
    found = [_problem(path, machine) for path in models]
    if programs is not None:
        more, left = programs_in(programs, exams)
        found += more
        for words in left:
            note(words)
    with progress_bar() as progress, _flag() as stop:
        train_on(
            found,
            exams,
            folder,
            asked,
            seconds=seconds,
            rounds=rounds,
            output=output,
            actors=actors,
            progress=progress,
            stop=stop,
            say=note,
        )
    note(f"the run is in {folder}; the same command goes on with it")
    if as_json:
        from cosmalloc.rl_agent.metrics import last_of

        print_json({"run": folder, "output": output, "metrics": last_of(folder)})


@app.command("evaluate")
def evaluate_(
    programs: Programs,
    weights: Weights = None,
    target: Target = None,
    scratchpad: o.Scratchpad = None,
    objective: o.ObjectiveName = "latency",
    order: Annotated[str, typer.Option(help="`given` or `free`.")] = "given",
    seconds: o.Seconds = 10.0,
    seed: o.Seed = 0,
    as_json: o.AsJson = False,
) -> None:
    """The agent beside `greedy` and `msa`: the policy alone, then all its means."""
    from cosmalloc.rl_agent.evaluate import evaluated

    goal, machine = _goal(objective), Machine(target, scratchpad)
    allowed = _order(order)
    rows = []
    with progress_bar() as progress:
        for index, path in enumerate(programs):
            progress(path, index / len(programs))
            rows.append(evaluated(_problem(path, machine), goal, allowed, seconds, seed, weights))
    if as_json:
        print_json({"rows": [row._asdict() for row in rows]})
        return
    heads = ("program", "off-chip", "msa", "greedy", "policy", "raw", "prod", "games")
    print_table(f"agent, objective {goal}", heads, (row.cells() for row in rows))


@app.command("play")
def play_(
    program: Annotated[
        str, typer.Argument(metavar="MODEL|PROBLEM.json", help="What the game is about.")
    ],
    weights: Weights = None,
    target: Target = None,
    scratchpad: o.Scratchpad = None,
    objective: o.ObjectiveName = "latency",
    order: Annotated[str, typer.Option(help="`given` or `free`.")] = "given",
    auto: Annotated[bool, typer.Option("--auto", help="The agent plays; you watch.")] = False,
    plan: Annotated[str | None, typer.Option(help="Write the plan when it is over.")] = None,
    as_json: o.AsJson = False,
) -> None:
    """The board in the terminal; you move, or let the agent."""
    from cosmalloc.files import check_writable
    from cosmalloc.rl_agent.table import Table

    if plan is not None:
        check_writable(plan)
    allowed = _order(order)
    problem = _problem(program, Machine(target, scratchpad))
    table = Table(problem, _goal(objective), allowed, weights)
    while not table.over:
        if not as_json:
            table.show()
        word = "" if auto else _ask()
        if word in ("q", "quit"):
            break
        said = table.move(word)
        if said:
            note(said)
    if as_json:
        print_json(dict(table.facts()))
    else:
        table.show()
        print_facts("the game", table.facts())
    if plan is not None:
        from cosmalloc.plan_json import write_outcome

        write_outcome(plan, table.outcome(), problem)


def _ask() -> str:
    """A line of the player, `q` at the end of the input."""
    try:
        return input("move [Enter: the agent's, q: quit]: ").strip()
    except EOFError:
        return "q"


def _problem(path: str, machine: Machine) -> Problem:
    if machine.target is None and Path(path).suffix != ".json":
        machine = replace(machine, target="tpu-v5e")
    return problem_from(path, machine, HowToRead(track="all"))


def _goal(name: str) -> Any:
    goal = o.objective(name)
    if goal == "peak":
        raise InputError("nobody plays for objective `peak`", "use `latency` or `traffic`")
    return goal


def _order(name: str) -> Any:
    o.word(name, ("given", "free"), "--order")
    return name


def _mode(name: str) -> Any:
    return cast(Any, o.word(name, ("policy", "model", "game"), "--mode"))


@contextmanager
def _flag() -> Iterator[Callable[[], bool]]:
    """Ctrl-C sets a flag."""
    from cosmalloc.rl_agent.solver import listening

    with listening() as pressed:
        yield pressed
