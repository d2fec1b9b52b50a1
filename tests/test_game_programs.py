"""Random program families: the same from the same seed, well formed, and as varied as they say."""

from __future__ import annotations

from functools import partial

import pytest

from cosmalloc.errors import InputError
from cosmalloc.in_place import updates
from cosmalloc.lifetimes import source_order
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.rl_agent.programs import FAMILIES, random_program, random_programs
from cosmalloc.simulate import simulate
from cosmalloc.target import Target
from cosmalloc.target_file import load_target

TPU = load_target("tpu-v5e")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_program_and_another_one_another(family: str) -> None:
    first = random_program(family, 3, target=TPU)
    assert first == random_program(family, 3, target=TPU)
    assert first.operators != random_program(family, 4, target=TPU).operators


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(4))
def test_programs_stand_in_source_order_and_end_in_outputs(family: str, seed: int) -> None:
    problem = random_program(family, seed, target=TPU)
    assert source_order(problem) == tuple(range(len(problem.operators)))
    assert 5 < len(problem.operators) < 600
    for index, tensor in enumerate(problem.tensors):
        assert tensor.kind == "output" or problem.readers[index] or tensor.kind == "weight"


@pytest.mark.parametrize("family", FAMILIES)
def test_memory_matters_in_every_family(family: str) -> None:
    """Of four programs at least one would gain a tenth, were everything on chip."""
    shares = []
    for seed in range(4):
        problem = random_program(family, seed, target=TPU)
        off_chip = simulate(problem, Plan(source_order(problem))).latency
        shares.append(bound(problem, "latency") / off_chip)
    assert min(shares) < 0.9


def test_a_share_sets_the_scratchpad() -> None:
    small, large = (random_program("residual", 1, target=TPU, share=s) for s in (0.1, 0.9))
    assert 8 < large.target.scratchpad_bytes / small.target.scratchpad_bytes < 10


def test_caches_and_weights_are_updated_in_place() -> None:
    decoding = random_program("decoding", 0, target=TPU)
    assert updates(decoding, source_order(decoding))
    training = random_program("train_step", 0, target=TPU)
    groups = [tensor.alias_group for tensor in training.tensors if tensor.kind == "weight"]
    assert any(group is not None for group in groups)


def test_many_programs_take_families_in_turn() -> None:
    several = partial(random_programs, 8, target=TPU, families=("chain", "cells"), shares=(0.2,))
    found = several(seed=1)
    assert [p.name.split("-")[0] for p in found] == ["chain", "cells"] * 4
    assert all(p.name.endswith("@0.2") for p in found)
    assert found == random_programs(
        8, seed=1, target=TPU, families=("chain", "cells"), shares=(0.2,)
    )


def test_depths_follow_the_scale() -> None:
    small, large = (random_program("attention", 5, target=TPU, scale=s) for s in (0.5, 3.0))
    assert len(large.operators) > 2 * len(small.operators)


def test_what_is_no_family_and_no_machine_is_said() -> None:
    with pytest.raises(InputError, match="no family `poem`"):
        random_program("poem", 0, target=TPU)
    bare = Target("bare", 64, 1, "anywhere", 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(InputError, match="no flops_per_second"):
        random_program("chain", 0, target=bare)
