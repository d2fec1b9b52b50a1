"""What is told otherwise after the compiler did not do as it was told."""

from __future__ import annotations

from test_tpu_sequence import PAGE, chain

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.tpu.steering import Mending, mended

ORDER = (0, 1, 2)


def test_what_was_not_held_is_placed_first_the_dearest_ahead() -> None:
    problem = chain(8, [1, 3, 1])
    wanted = Plan(ORDER, (Residency(0, 0, 0, 2), Residency(1, PAGE, 1, 3)))
    found = mended(problem, wanted, Plan(ORDER), Mending())
    assert found.first == (1, 0)
    assert found.off_chip == frozenset()
    again = mended(problem, wanted, Plan(ORDER, (Residency(1, 0, 1, 3),)), found)
    assert again.first == (0, 1)


def test_a_load_that_nobody_asked_for_is_forbidden_where_it_makes_others_wait() -> None:
    problem = chain(8, [1, 1, 1], {0: [2]})
    stays = (Residency(0, 0, 2, 3),)
    loaded = Plan(ORDER, stays, (Transfer(0, "load", 2, 2),))
    assert mended(problem, Plan(ORDER), loaded, Mending()).off_chip == {0}


def test_a_plan_that_was_followed_leaves_nothing_to_mend() -> None:
    problem = chain(8, [1, 1, 1])
    plan = Plan(ORDER, (Residency(0, 0, 0, 2),))
    assert mended(problem, plan, plan, Mending()) == Mending()
