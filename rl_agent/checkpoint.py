"""A training run on disk: one file, replaced in one move, with everything the run needs to go on.

Network, optimiser, replay with its digest, the dice, counters, and the settings it was started
with. A run killed at any moment goes on from the last file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.rl_agent.learner import Learner, Learning, new_learner
from cosmalloc.rl_agent.network_file import (
    filled,
    read_arrays,
    read_network,
    sizes_json,
    write_arrays,
)
from cosmalloc.rl_agent.replay import Replay
from cosmalloc.tree_file import Arrays, arrays_of

NAME = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """learner, replay, rng: as they stood. counters: what the loop counts, numbers by name.
    facts: settings and versions, words by name."""

    learner: Learner
    replay: Replay
    rng: np.random.Generator
    counters: dict[str, float]
    facts: dict[str, str]


def write_checkpoint(folder: str | Path, saved: Checkpoint) -> None:
    """Into `folder`, over the last one. Raises InputError."""
    arrays: Arrays = dict(arrays_of(saved.learner.network))
    arrays |= arrays_of(saved.learner.optimiser, "optimiser")
    arrays |= {f"replay.{name}": row for name, row in saved.replay.state().items()}
    head = {
        **saved.facts,
        "sizes": sizes_json(saved.learner.network.sizes),
        "steps": str(saved.learner.steps),
        "capacity": str(saved.replay.capacity),
        "digest": saved.replay.digest(),
        "rng": json.dumps(saved.rng.bit_generator.state),
        "counters": json.dumps(saved.counters),
    }
    write_arrays(Path(folder) / NAME, arrays, head)


def read_checkpoint(folder: str | Path, how: Learning) -> Checkpoint:
    """The run as it stood. how: of the optimiser. Raises InputError."""
    path = Path(folder) / NAME
    arrays, facts = read_arrays(path)
    network, _ = read_network(path)
    blank = new_learner(network, how)
    optimiser: Any = filled(blank.optimiser, arrays, "optimiser")
    replay = Replay(int(facts["capacity"]))
    rows = {k.removeprefix("replay."): v for k, v in arrays.items() if k.startswith("replay.")}
    replay.restore(rows)
    if replay.digest() != facts["digest"]:
        raise InputError(f"{path} is damaged: its replay is not the one that was written")
    rng = np.random.default_rng()
    rng.bit_generator.state = json.loads(facts["rng"])
    known = ("format", "sizes", "steps", "capacity", "digest", "rng", "counters")
    return Checkpoint(
        Learner(network, optimiser, int(facts["steps"])),
        replay,
        rng,
        json.loads(facts["counters"]),
        {name: words for name, words in facts.items() if name not in known},
    )
