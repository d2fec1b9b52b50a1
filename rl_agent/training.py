"""A training run as the command line asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Mode, Playing
from cosmalloc.rl_agent.actors import Say, Stop, Terms, actors_of, never
from cosmalloc.rl_agent.budgets import SHARES
from cosmalloc.rl_agent.curriculum import FAMILIES, TARGET, at_random, at_shares
from cosmalloc.rl_agent.cuttings import cutting
from cosmalloc.rl_agent.game import GAME_VERSION
from cosmalloc.rl_agent.learner import Learning
from cosmalloc.rl_agent.lessons import Teaching
from cosmalloc.rl_agent.mapping_arena import GameObjective, Order, Rules, network_sizes, uses_of
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.network_file import write_network
from cosmalloc.rl_agent.programs import random_programs
from cosmalloc.rl_agent.replay import Sampling
from cosmalloc.rl_agent.school import Classes, MappingSchool
from cosmalloc.rl_agent.train import Training, train
from cosmalloc.target_file import load_target

Progress = Callable[[str, float], None]
TEACHERS: dict[GameObjective, str] = {"latency": "search", "traffic": "ilp"}
CHECKS = 12  # programs that choose the best network


@dataclass(frozen=True)
class Asked:
    """mode, simulations: of self-play. lessons: rounds of imitation alone, 0 for no imitation at
    all. shares: scratchpads for each program. cuttings: so many rows of operators cut out of them,
    too. families: so many programs of the generator. graph: whether the network sees the program's.
    teach_seconds: of a teacher for each program. longest: programs of more uses are left out, but
    cut. examine: every so many rounds. rate: of learning."""

    objective: GameObjective = "latency"
    order: Order = "given"
    mode: Mode = "game"
    simulations: int = 6
    lessons: int = 40
    shares: int = 4
    cuttings: int = 300
    families: int = 200
    graph: bool = True
    seed: int = 0
    teach_seconds: float = 1.0
    longest: int = 3000
    examine: int = 20
    rate: float = 1e-3


def train_on(
    programs: Sequence[Problem],
    exams: Sequence[Problem],
    folder: str | Path,
    asked: Asked,
    *,
    seconds: float,
    rounds: int | None = None,
    output: str | Path | None = None,
    actors: str | None = None,
    progress: Progress | None = None,
    stop: Stop = never,
    say: Say = lambda _words: None,
) -> Network:
    """Trains, or goes on; `output` gets the network. actors: see `actors_of`, with `say`. Raises
    InputError."""
    short = [each for each in programs if uses_of(each) <= asked.longest]
    if not short:
        raise InputError(
            f"no program to train on has at most {asked.longest:,} uses", "give smaller programs"
        )
    rng = np.random.default_rng(asked.seed)
    rules = Rules(asked.objective, asked.order)
    how = Training(
        lessons=asked.lessons,
        taught=2 if asked.lessons else 0,
        examine=asked.examine,
        playing=Playing(asked.mode, asked.simulations),
        sampling=Sampling(batch=192, programs=6, unroll=3),
        learning=Learning(rate=asked.rate),
        save=60.0,
    )
    classes = Classes(teaching=Teaching(TEACHERS[asked.objective], asked.teach_seconds))
    pieces = [
        cutting(programs[int(rng.integers(len(programs)))], rng) for _ in range(asked.cuttings)
    ]
    whole = at_random(short, asked.shares, rng)
    target = load_target(TARGET)
    generated = random_programs(
        asked.families, asked.seed, target=target, families=FAMILIES, shares=SHARES
    )
    checks = random_programs(
        CHECKS, 10**6 + asked.seed, target=target, families=FAMILIES, shares=SHARES, scale=0.6
    )
    school = MappingSchool(
        [*whole, *pieces, *generated], at_shares(exams, SHARES), checks, rules, folder, classes
    )
    sizes = network_sizes(rounds=3 if asked.graph else 0)
    facts = {"game": str(GAME_VERSION), "asked": json.dumps(asdict(asked))}
    terms = Terms(school.ground, how.playing, asked.seed)
    with actors_of(actors, terms, say) as team:
        network = train(
            school,
            folder,
            sizes,
            how,
            seconds=seconds,
            rounds=rounds,
            seed=asked.seed,
            facts=facts,
            actors=team,
            progress=progress,
            stop=stop,
        )
    if output is not None:
        write_network(output, network, facts)
    return network
