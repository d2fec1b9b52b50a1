"""Programs and teachers of the agent."""

from __future__ import annotations

import numpy as np
import pytest

from cosmalloc.plan import Plan
from cosmalloc.rl_agent.budgets import at_share, peak_bytes
from cosmalloc.rl_agent.curriculum import HELD_OUT, TRAINED
from cosmalloc.rl_agent.cuttings import LONGEST, SHORTEST, cutting
from cosmalloc.rl_agent.game import COPY, DROP, NO_COPY
from cosmalloc.rl_agent.lessons import Lessons, Teaching, lesson, taught
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, uses_of
from cosmalloc.solve import solve
from cosmalloc.verify import verify
from tests import small
from tests.nets import chain, tangle
from tests.test_agent_solver import anywhere

QUICK = Teaching(seconds=0.05, slots=4)


@pytest.mark.parametrize("seed", range(8))
def test_a_cutting_is_a_program_that_every_solver_takes(seed: int) -> None:
    source = anywhere(chain(150, seed)) if seed % 2 else tangle(30, seed, "anywhere")
    made = cutting(source, np.random.default_rng(seed))
    again = cutting(source, np.random.default_rng(seed))
    assert made == again
    assert SHORTEST - 1 <= len(made.operators) <= LONGEST
    assert made.target.scratchpad_bytes <= peak_bytes(made) + made.target.alignment
    found = solve(made, objective="latency", solver="msa")
    assert found.plan is not None
    assert verify(made, found.plan) == []


def test_what_others_made_goes_in_and_what_others_read_comes_out() -> None:
    source = anywhere(chain(60))
    made = cutting(source, np.random.default_rng(3), longest=10)
    for index, tensor in enumerate(made.tensors):
        if tensor.kind == "intermediate":
            assert made.producer[index] is not None
            assert made.readers[index]


def test_no_model_is_both_trained_on_and_held_out() -> None:
    held = {name for names in HELD_OUT.values() for name in names}
    assert not held & set(TRAINED)


def test_a_plan_s_moves_copy_first_keep_then_and_drop_what_is_off_chip() -> None:
    tensors = [small.tensor("w", 4, "weight"), small.tensor("x", 4), small.tensor("y", 4, "output")]
    operators = [
        small.operator(tensors, [0], [1], 4.0),
        small.operator(tensors, [0, 1], [2], 4.0),
    ]
    problem = small.problem(small.toy(8, "anywhere"), tensors, operators)
    arena = MappingArena([problem], Rules())
    plan = Plan((0, 1), (small.stay(0, 0, 0, 2), small.stay(1, 4, 0, 2)), (small.load(0, 0),))
    assert verify(problem, plan) == []
    moves = arena.followed(plan).moves[: uses_of(problem)]
    assert moves.tolist() == [COPY, NO_COPY, NO_COPY, NO_COPY, DROP]


def test_a_teacher_s_game_is_at_least_as_good_as_all_off_chip_and_comes_back_from_disk(
    tmp_path: object,
) -> None:
    problem = at_share(anywhere(chain(12)), 0.4)
    made = lesson(problem, Rules(), QUICK, seed=0)
    assert made.score >= 0
    kept = Lessons(str(tmp_path), lambda _program: made)
    assert kept.line(3) is made
    kept.save()
    again = Lessons(str(tmp_path), lambda _program: pytest.fail("it is known"))
    assert again.line(3).score == made.score
    episode = taught(MappingArena([problem], Rules()), [again.line(3)], discount=1.0)[0]
    assert episode.rewards.sum() == pytest.approx(made.score, abs=1e-3)
    assert episode.values[0] == pytest.approx(made.score, abs=1e-3)
