"""All games of tiny programs: what the rule of windows and places can reach, against the truth."""

from __future__ import annotations

from dataclasses import replace

from cosmalloc.errors import InputError
from cosmalloc.lifetimes import source_order
from cosmalloc.objective import bound
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arrays import Goal, Ordering
from cosmalloc.rl_agent.game import Games
from cosmalloc.target import OperandRule
from cosmalloc.verify import verify
from tests import oracle
from tests.game_play import check, legal_moves
from tests.nets import tangle

DEEP = 40  # slots, more than any of these games has choices
MOST = 1000  # games of one program


def best_value(problem: Problem, objective: Goal, order: Ordering = "given") -> float | None:
    """The least value that any game of the problem ends with; None if it can't be played, or has
    too many games."""
    try:
        games = Games([problem] * DEEP, objective=objective, order=order)
    except InputError:
        return None
    best, ended, level = float("inf"), 0, 0
    left: list[list[int]] = [legal_moves(games, 0)]
    while level >= 0:
        if not left[level]:
            if games.done([level])[0] and games.value(level) < best:
                best = games.value(level)
                check(games, level)
            ended += bool(games.done([level])[0])
            left.pop()
            level -= 1
            continue
        games.clone_slot(level, level + 1)
        games.step([left[level].pop()], [level + 1])
        level += 1
        left.append(legal_moves(games, level))
        if ended > MOST:
            return None
    return best


def small(seed: int, rule: OperandRule) -> Problem:
    """Four operators, every tensor tracked."""
    problem = tangle(4, seed, rule, most_bytes=3)
    tensors = tuple(replace(tensor, tracked=True) for tensor in problem.tensors)
    return replace(problem, tensors=tensors)


def reached(rule: OperandRule, seeds: range) -> tuple[int, int]:
    """Programs whose best game moves the least bytes that any plan in this order moves, of how many
    programs."""
    hits = count = 0
    for seed in seeds:
        problem = small(seed, rule)
        least = oracle.least_traffic(problem, source_order(problem))
        best = best_value(problem, "traffic")
        if least is None or best is None:
            continue
        assert best >= least[0]
        assert not verify(problem, least[1])
        hits += best == least[0]
        count += 1
    return hits, count


def test_most_optima_are_reached_under_anywhere() -> None:
    hits, count = reached("anywhere", range(20))
    assert count >= 12
    assert hits >= 0.75 * count


def test_most_optima_are_reached_under_resident() -> None:
    hits, count = reached("resident", range(24))
    assert count >= 6
    assert hits >= 0.75 * count


def test_with_the_order_free_no_game_is_worse_than_in_the_given_one() -> None:
    played = 0
    for seed in range(16):
        problem = small(seed, "anywhere")
        given, free = (best_value(problem, "traffic", o) for o in ("given", "free"))
        if given is not None and free is not None:
            assert free <= given
            played += 1
    assert played >= 4


def test_no_game_beats_the_bound_of_latency() -> None:
    played = 0
    for seed in range(12):
        problem = small(seed, "anywhere")
        best = best_value(problem, "latency")
        if best is not None:
            assert best >= bound(problem, "latency") * (1 - 1e-9)
            played += 1
    assert played >= 6
