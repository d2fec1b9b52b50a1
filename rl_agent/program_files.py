"""Programs to train on out of a folder of problem files, those of XLA's schedules above all.

Families that nobody trains on stay out, told by the words of a name: `unet`, `resnet-train` and
`gpt2.256` are of the families `u`, `train step` and `attention` (curriculum.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.problem_json import read_problem

SUFFIX = ".problem.json"
MARKS = {  # family -> how words of its programs' names begin
    "attention": ("attention", "bert", "decode", "gpt", "transformer", "vit"),
    "dense blocks": ("densenet",),
    "mobile": ("lraspp", "mobilenet"),
    "train step": ("train",),
    "u": ("unet",),
}


def family_held_out(name: str) -> str | None:
    """The family that a program of this name belongs to and nobody trains on; None for others."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    for family, marks in MARKS.items():
        if any(word.startswith(marks) for word in words):
            return family
    return None


def programs_in(
    folder: str | Path, exams: Sequence[Problem] = ()
) -> tuple[list[Problem], list[str]]:
    """The problems of `*.problem.json` in a folder, in the order of their files' names; and a
    sentence about each that is left out: of a family held out, or of the name of one of `exams`.

    Raises InputError, also where nothing is left.
    """
    if not Path(folder).is_dir():
        raise InputError(f"there is no folder {folder}", f"it holds files *{SUFFIX}")
    paths = sorted(Path(folder).glob(f"*{SUFFIX}"))
    if not paths:
        raise InputError(
            f"{folder} holds no *{SUFFIX}",
            f"write some: cosmalloc tpu tune MODEL --problem {folder}/NAME{SUFFIX}",
        )
    asked = {exam.name for exam in exams}
    kept, left = [], []
    for path in paths:
        problem = read_problem(path)
        family = family_held_out(path.name.removesuffix(SUFFIX)) or family_held_out(problem.name)
        if family is not None:
            left.append(f"{path.name} is left out: the family `{family}` is kept from training")
        elif problem.name in asked:
            left.append(f"{path.name} is left out: `{problem.name}` is an exam")
        else:
            kept.append(problem)
    if not kept:
        raise InputError(f"all {len(paths)} programs of {folder} are left out: {left[0]}")
    return kept, left
