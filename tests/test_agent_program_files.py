"""Programs to train on out of a folder, and which of them stay out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_tpu_solution import compiled

from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.problem_json import write_problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.curriculum import FAMILIES, HELD_OUT, TRAINED
from cosmalloc.rl_agent.cuttings import cutting
from cosmalloc.rl_agent.lessons import Teaching, lesson
from cosmalloc.rl_agent.mapping_arena import Rules
from cosmalloc.rl_agent.program_files import MARKS, family_held_out, programs_in
from cosmalloc.tpu.extract import extract_program
from cosmalloc.tpu.topology import topology
from tests.command import cosmalloc
from tests.nets import chain
from tests.test_agent_solver import anywhere


def filed(folder: Path, *names: str) -> list[Problem]:
    """Small problems of these names in files called after them."""
    folder.mkdir(exist_ok=True)
    made = [replace(at_share(anywhere(chain(6)), 0.4), name=name) for name in names]
    for problem in made:
        write_problem(folder / f"{problem.name}.problem.json", problem)
    return made


def test_what_the_curriculum_holds_out_is_known_by_its_name() -> None:
    assert set(MARKS) == set(HELD_OUT)
    for family, names in HELD_OUT.items():
        assert {family_held_out(name) for name in names} == {family}
    assert {family_held_out(name) for name in (*TRAINED, *FAMILIES)} == {None}
    assert family_held_out("resnet-train") == "train step"
    assert family_held_out("GPT2.256") == "attention"


def test_programs_come_by_name_and_families_held_out_stay_out(tmp_path: Path) -> None:
    lstm, mlp, *_ = filed(tmp_path, "lstm", "mlp", "unet-256", "resnet-train", "resnet")
    (tmp_path / "notes.json").write_text("none of ours")
    (resnet,) = filed(tmp_path, "resnet")
    kept, left = programs_in(tmp_path, exams=[resnet])
    assert kept == [lstm, mlp]
    assert left == [
        "resnet-train.problem.json is left out: the family `train step` is kept from training",
        "resnet.problem.json is left out: `resnet` is an exam",
        "unet-256.problem.json is left out: the family `u` is kept from training",
    ]


def test_a_file_s_name_hides_no_family(tmp_path: Path) -> None:
    filed(tmp_path, "unet", "mlp")
    (tmp_path / "unet.problem.json").rename(tmp_path / "a.problem.json")
    (tmp_path / "mlp.problem.json").rename(tmp_path / "bert.problem.json")
    with pytest.raises(InputError, match=r"all 2 programs of .* are left out: a\.problem\.json"):
        programs_in(tmp_path)


def test_a_folder_that_has_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no"):
        programs_in(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        programs_in(tmp_path / "none")


def test_a_schedule_of_xla_s_is_a_program_to_learn_from() -> None:
    machine = topology("v5e:2x2").target(None)
    problem = extract_program(compiled(), machine, "tiny").problem
    half = at_share(problem, 0.5)
    pieces = [half, cutting(problem, np.random.default_rng(0))]
    for each in pieces:
        assert lesson(each, Rules(), Teaching(seconds=0.05, slots=4), seed=0).score >= 0


def test_a_training_needs_models_or_a_folder(tmp_path: Path) -> None:
    done = cosmalloc("agent", "train", tmp_path / "run")
    assert done.code == 2
    assert "there is no program to train on" in done.err
    filed(tmp_path / "folder", "unet")
    done = cosmalloc("agent", "train", tmp_path / "run", "--programs", tmp_path / "folder")
    assert done.code == 2
    assert "the family `u` is kept from training" in done.err
    assert not (tmp_path / "run").exists()


def test_a_training_takes_programs_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cosmalloc.rl_agent import training

    asked: list[list[str]] = []
    monkeypatch.setattr(
        training, "train_on", lambda found, *_a, **_k: asked.append([p.name for p in found])
    )
    filed(tmp_path / "folder", "lstm", "unet")
    write_problem(tmp_path / "one.json", filed(tmp_path / "other", "one")[0])
    words = (tmp_path / "one.json", "--programs", tmp_path / "folder")
    done = cosmalloc("agent", "train", tmp_path / "run", *words)
    assert done.code == 0, done.err
    assert asked == [["one", "lstm"]]
    assert "unet.problem.json is left out" in done.err
