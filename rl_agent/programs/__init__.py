"""Random programs to learn on: whole families, from a seed.

    problem = random_program("attention", seed=7, target=load_target("tpu-v5e"))
    problems = random_programs(32, seed=0, target=target, shares=(0.12, 0.25, 0.5))

What a compiler's schedule looks like, not what a network computes: operators with their operands,
bytes, flops and order of the source. Sizes, depths and shapes are drawn; the same name, seed and
target give the same program, whoever asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.programs.attention import attention, decoding
from cosmalloc.rl_agent.programs.build import Build
from cosmalloc.rl_agent.programs.cells import cells
from cosmalloc.rl_agent.programs.convolutions import chain, residual, u_shape
from cosmalloc.rl_agent.programs.training import train_step
from cosmalloc.target import Target

FAMILIES: dict[str, Callable[[Build], None]] = {
    "chain": chain,
    "residual": residual,
    "u_shape": u_shape,
    "cells": cells,
    "attention": attention,
    "decoding": decoding,
    "train_step": train_step,
}


def random_program(
    family: str, seed: int, *, target: Target, share: float | None = None, scale: float = 1.0
) -> Problem:
    """One program.

    share: the scratchpad as a share of the program's peak, None for the target's own. scale: of
    depths; 1 gives some 20 to 200 operators. InputError for a family that is none.
    """
    if family not in FAMILIES:
        raise InputError(f"there is no family `{family}`", f"use one of {', '.join(FAMILIES)}")
    if target.flops_per_second is None:
        raise InputError(
            f"target `{target.name}` has no flops_per_second", "the programs know their flops only"
        )
    build = Build(random.Random(f"{family} {seed}"), scale)
    FAMILIES[family](build)
    problem = build.problem(f"{family}-{seed}", target)
    return problem if share is None else at_share(problem, share)


def random_programs(
    count: int,
    seed: int,
    *,
    target: Target,
    families: Sequence[str] = tuple(FAMILIES),
    shares: Sequence[float] = (),
    scale: float = 1.0,
) -> list[Problem]:
    """Families in turn, each program at one of `shares` of its peak, if there are any."""
    dice = random.Random(seed)
    found: list[Problem] = []
    for index in range(count):
        share = dice.choice(shares) if shares else None
        name, number = families[index % len(families)], dice.randrange(2**31)
        program = random_program(name, number, target=target, share=share, scale=scale)
        found.append(replace(program, name=f"{program.name}@{share:g}") if share else program)
    return found


__all__ = ["FAMILIES", "random_program", "random_programs"]
