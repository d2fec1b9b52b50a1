"""`cosmalloc agent`: a short training, a measurement, a game at the terminal."""

from __future__ import annotations

import csv
from pathlib import Path

import jax
import pytest

from cosmalloc.interchange import read_problem
from cosmalloc.plan_json import read_outcome
from cosmalloc.problem_json import write_problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.game import GAME_VERSION
from cosmalloc.rl_agent.mapping_arena import network_sizes
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.network_file import write_network
from cosmalloc.verify import verify
from tests.command import cosmalloc
from tests.nets import chain
from tests.test_agent_solver import anywhere

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    write_problem(tmp_path / "chain.json", at_share(anywhere(chain(8)), 0.4))
    return tmp_path / "chain.json"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    network = Network(network_sizes(hidden=16), jax.random.key(0))
    write_network(tmp_path / "w.safetensors", network, {"game": str(GAME_VERSION)})
    return tmp_path / "w.safetensors"


def test_a_person_moves_and_the_plan_so_far_is_written(
    program: Path, weights: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    words = ("agent", "play", program, "--weights", weights, "--plan", plan)
    done = cosmalloc(*words, stdin=b"d\nfly\n\nq\n")
    assert done.code == 0
    assert "drop" in done.out
    assert "scratchpad" in done.out
    assert "`fly` is no legal move" in done.err
    assert "no: the rest is dropped" in done.out
    problem = read_problem(program)
    found = read_outcome(plan, problem).plan
    assert found is not None
    assert verify(problem, found) == []


def test_the_agent_plays_to_the_end_where_nobody_asks(program: Path, weights: Path) -> None:
    done = cosmalloc("agent", "play", program, "--weights", weights, "--auto")
    assert done.code == 0
    assert "over" in done.out
    assert "yes" in done.out.splitlines()[-2]


def test_the_agent_is_measured_beside_its_rivals(program: Path, weights: Path) -> None:
    done = cosmalloc("agent", "evaluate", program, "--weights", weights, "--seconds", 0.1, "--json")
    assert done.code == 0
    row = done.json["rows"][0]
    assert row["program"] == read_problem(program).name
    assert row["prod"] <= min(row["raw"], row["msa"], row["greedy"])


def test_nobody_plays_for_the_peak(program: Path) -> None:
    done = cosmalloc("agent", "evaluate", program, "--objective", "peak")
    assert done.code == 2
    assert done.err.startswith("error: nobody plays for objective `peak`")


def test_weights_of_another_game_are_refused(program: Path, tmp_path: Path) -> None:
    network = Network(network_sizes(hidden=16), jax.random.key(0))
    write_network(tmp_path / "old.safetensors", network, {"game": "0"})
    done = cosmalloc("agent", "play", program, "--weights", tmp_path / "old.safetensors")
    assert done.code == 2
    assert "was trained on version 0 of the game" in done.err


def test_a_training_leaves_a_run_that_goes_on_and_a_network(program: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "out.safetensors"
    words = ("agent", "train", run, program, "--seconds", 600, "--shares", 1, "--cuttings", 0)
    words = (*words, "--families", 0, "--lessons", 1, "-o", out, "--mode", "policy")
    for rounds in (1, 2):
        done = cosmalloc(*words, "--rounds", rounds, "--json")
        assert done.code == 0, done.err
        assert done.json["metrics"]["round"] == rounds
        known = "best" in done.json["metrics"]
        assert known == (rounds == 2)  # the first round's examination
        assert len((run / "metrics.csv").read_text().splitlines()) == 1 + rounds
    assert out.stat().st_size < 10 * 2**20
    assert cosmalloc("agent", "play", program, "--weights", out, "--auto").code == 0


def test_a_training_for_traffic_with_the_order_free(program: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("agent", "train", run, program, "--objective", "traffic", "--order", "free")
    words = (*words, "--exam", program, "--seconds", 600, "--shares", 1, "--cuttings", 0)
    words = (*words, "--families", 0, "--lessons", 1, "--mode", "policy")
    done = cosmalloc(*words, "--rounds", 2, "--json")
    assert done.code == 0, done.err
    with (run / "metrics.csv").open() as file:
        first = next(csv.DictReader(file))
    assert 0 <= float(first["exam"]) < 2  # bytes may be none at all
    wrong = cosmalloc("agent", "train", run, program, "--order", "any")
    assert wrong.code == 2
    assert "free" in wrong.err
