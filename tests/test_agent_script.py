"""Games by heart, and other orders of their operators."""

from __future__ import annotations

from itertools import count

import jax
import numpy as np
import pytest

from benchmarks import agent_traffic
from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling, Found
from cosmalloc.rl_agent.game import PICK
from cosmalloc.rl_agent.improve import Improving, improve
from cosmalloc.rl_agent.lessons import Lessons, taught
from cosmalloc.rl_agent.mapping_arena import GameObjective, MappingArena, Rules, network_sizes
from cosmalloc.rl_agent.network import Network
from cosmalloc.rl_agent.script import Line, Links, Script, reordered
from cosmalloc.verify import verify
from tests.nets import tangle

pytestmark = pytest.mark.usefixtures("quick_compilation")

NETWORK = Network(network_sizes(hidden=16), jax.random.key(0))
BRIEF = Compiling(slots=4, simulations=2, polish=0.01, tune=2, turns=2)
FREE = Rules("traffic", "free")


def by_dice(arena: MappingArena, seed: int) -> list[Line]:
    """Games of even dice."""
    rng = np.random.default_rng(seed)
    arena.reset()
    rows = len(arena.programs)
    moves = np.full((rows, arena.uses), -1, np.int8)
    score, done = np.zeros(rows), np.zeros(rows, bool)
    while not done.all():
        legal, use = arena.legal(), arena.use()
        chosen = np.where(legal, rng.random(legal.shape), -1).argmax(1)
        for row in np.flatnonzero(~done):
            moves[row, use[row]] = chosen[row]
        rewards, over = arena.play(chosen)
        score += np.where(done, 0.0, rewards)
        done = over
    orders = arena.orders()
    return [Line(moves[row], float(score[row]), orders[row]) for row in range(rows)]


def links_of(arena: MappingArena) -> Links:
    assert arena.links is not None
    return arena.links


def legal_order(order: np.ndarray, links: Links) -> bool:  # type: ignore[type-arg]
    place = {operator: step for step, operator in enumerate(order.tolist())}
    return len(place) == len(links.after) and all(
        place[maker] < place[reader]
        for reader, makers in enumerate(links.before)
        for maker in makers
    )


@pytest.mark.parametrize("seed", range(30))
def test_another_order_is_legal_and_another_one(seed: int) -> None:
    arena = MappingArena([tangle(3 + seed % 15, seed, "anywhere")], FREE)
    links, rng = links_of(arena), np.random.default_rng(seed)
    order = by_dice(arena, seed)[0].order
    assert order is not None
    seen = {order.tobytes()}
    for _ in range(40):
        order = reordered(order, links, rng)
        assert legal_order(order, links)
        seen.add(order.tobytes())
    only_one = all(
        b in links.after[a] for a, b in zip(order.tolist()[:-1], order.tolist()[1:], strict=True)
    )
    assert len(seen) > 1 or only_one


def test_an_operator_brings_what_it_waits_for() -> None:
    links = Links([[2], [], [3], []], [[], [], [0], [2]])  # 0 -> 2 -> 3, and 1
    found = set()
    for seed in range(60):
        moved = reordered(np.array([1, 0, 2, 3]), links, np.random.default_rng(seed))
        found.add(tuple(moved.tolist()))
    assert found == {(1, 0, 2, 3), (0, 1, 2, 3), (0, 2, 1, 3), (0, 2, 3, 1)}


@pytest.mark.parametrize("seed", range(12))
def test_a_game_played_by_heart_is_the_same_game(seed: int) -> None:
    arena = MappingArena([tangle(9, seed, "anywhere")] * 4, FREE)
    lines = by_dice(arena, seed)
    same = Improving(whole=0.0, share=0.0, near=0.0, reorder=0.0)
    asked = iter([False, True])
    even = np.zeros((arena.uses, PICK + 8))
    again, games = improve(arena, lines, even, same, np.random.default_rng(0), lambda: next(asked))
    assert games == 4
    assert {line.key: pytest.approx(line.score) for line in lines} == {
        line.key: line.score for line in again
    }


def test_what_a_line_does_not_say_is_left_open() -> None:
    arena = MappingArena([tangle(5, 0, "anywhere")] * 2, Rules())
    arena.reset()
    nothing = np.full((2, arena.uses), -1, np.int8)
    assert Script(arena, nothing, [None, None]).moves(arena.legal()).tolist() == [-1, -1]


@pytest.mark.parametrize("objective", ["latency", "traffic"])
@pytest.mark.parametrize("seed", range(4))
def test_with_the_order_free_it_goes_on_from_games_of_the_given_one(
    objective: GameObjective, seed: int
) -> None:
    problem = tangle(9, seed, "anywhere")
    steps = count()
    given = Compiler(problem, Rules(objective), NETWORK, BRIEF, 0, clock=lambda: next(steps) / 10)
    first = given.run(20.0)
    free = Compiler(
        problem, Rules(objective, "free"), NETWORK, BRIEF, 0, clock=lambda: next(steps) / 10
    )
    assert free.run(0.0, lines=given.lines).value <= first.value * (1 + 1e-9)
    later = free.run(40.0, lines=given.lines)
    assert verify(problem, later.plan) == []
    assert objective_value(problem, later.plan, objective) == pytest.approx(later.value)
    assert first.joined(later).value == min(first.value, later.value)


def test_joined_games_count_on_from_where_the_first_ended() -> None:
    plan = Plan((0,))
    first = Found(plan, 5.0, 10, ((0.5, 7.0), (1.0, 5.0)))
    later = Found(plan, 3.0, 20, ((0.1, 6.0), (0.2, 4.0), (0.4, 3.0)))
    assert first.joined(later) == Found(
        plan, 3.0, 30, ((0.5, 7.0), (1.0, 5.0), (1.2, 4.0), (1.4, 3.0))
    )
    assert first.joined(later._replace(value=9.0)).value == 5.0


def test_lessons_keep_the_order(tmp_path: object) -> None:
    problems = [tangle(7, 1, "anywhere"), tangle(11, 2, "anywhere")]
    lines = [by_dice(MappingArena([each], FREE), 0)[0] for each in problems]
    kept = Lessons(str(tmp_path), lambda program: lines[program])
    assert [kept.line(program) for program in (0, 1)] == lines
    kept.save()
    again = Lessons(str(tmp_path), lambda _program: lines[0])
    for program, line in enumerate(lines):
        assert again.line(program).key == line.key
    arena = MappingArena(problems, FREE)
    episodes = taught(arena, [again.line(program) for program in (0, 1)], 1.0)
    for line, episode in zip(lines, episodes, strict=True):
        assert episode.rewards.sum() == pytest.approx(line.score, abs=1e-5)


def test_a_plan_below_the_bound_is_an_error_and_duels_count_alike() -> None:
    row = {"bound": 10.0, "ilp": 10.0, "greedy": 12.0, "raw": 11.0, "raw, order free": 10.0}
    said = list(agent_traffic.duels([{**row, "prod": 10.0}]))
    assert said[0].startswith("greedy: the optimum on 0 of 1")
    assert said[3].startswith("prod: the optimum on 1 of 1")
    assert "less than greedy on 1, more on 0 of 1; all bytes +0.0% over" in said[3]
    with pytest.raises(AssertionError, match="none has less"):
        list(agent_traffic.duels([{**row, "prod": 9.0}]))
