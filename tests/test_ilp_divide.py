"""What is too big for one search: bounds, parts between waists, windows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings

from cosmalloc.greedy import solve as greedy
from cosmalloc.ilp import phases, solve, solver
from cosmalloc.ilp import spine as spine_module
from cosmalloc.ilp.contract import contracted
from cosmalloc.ilp.covering import covering_bound
from cosmalloc.ilp.divide import cut, divided
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.layout import layout_of
from cosmalloc.ilp.orders import by_sink, compact, late, orders
from cosmalloc.ilp.packing import plan_of_path
from cosmalloc.ilp.parts import signature
from cosmalloc.ilp.reach import reach
from cosmalloc.ilp.search import best_first
from cosmalloc.ilp.spine import spine_bound
from cosmalloc.ilp.windows import Window, cheaper, pays, search, windows
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests.nets import chain, tangle, with_scratchpad
from tests.small import toy
from tests.strategies import problems

SMALL = problems(rules=["resident"], most_operators=6, most_reads=3, most_spare=0)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def blocks(count: int, scratchpad: int) -> Problem:
    """A row of blocks with one tensor between them: x, then 4 results of it, then their sum."""
    tensors = [Tensor("x", 8, "input")]
    made: list[Operator] = []

    def node(reads: list[int], size: int, kind: str = "intermediate") -> int:
        tensors.append(Tensor(f"t{len(tensors)}", size, kind))  # type: ignore[arg-type]
        accessed = tuple(tensors[t].bytes for t in reads)
        ends = (tuple(reads), (len(tensors) - 1,))
        made.append(Operator(f"o{len(made)}", "toy", *ends, accessed, (size,), 1.0))
        return len(tensors) - 1

    x = 0
    for block in range(count):
        arms = [node([node([x], 16)], size) for size in (4, 5, 6, 7)]
        halves = [node(arms[:2], 5), node(arms[2:], 5)]
        x = node(halves, 8, "output" if block == count - 1 else "intermediate")
    return Problem("blocks", toy(scratchpad), tuple(tensors), tuple(made))


@SLOW
@given(problem=SMALL)
def test_the_covering_bound_lies_below_every_path(problem: Problem) -> None:
    facts = facts_of(problem)
    best = best_first(facts, 10, 2**62)
    assume(best.proven)
    if best.path is not None:
        assert 0 <= covering_bound(facts, 5) <= best.path.paid


@SLOW
@given(problem=SMALL)
def test_parts_islands_and_long_links_together_lie_below_every_path(problem: Problem) -> None:
    facts = facts_of(problem)
    best = best_first(facts, 10, 2**62)
    assume(best.proven)
    if best.path is not None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(spine_module, "LEAST", 1)
            patch.setattr(spine_module, "LEAST_ISLAND", 1)
            for most in (2, 3, 64):
                patch.setattr(spine_module, "MOST", most)
                assert 0 <= spine_bound(facts, 5) <= best.path.paid


@SLOW
@given(problem=SMALL)
def test_a_contracted_problem_moves_no_more(problem: Problem) -> None:
    best = best_first(facts_of(problem), 10, 2**62)
    assume(best.proven)
    relaxed = contracted(problem, reach(problem))
    other = best_first(facts_of(relaxed), 10, 2**62)
    if best.path is not None:
        assert other.path is not None
        assert other.path.paid <= best.path.paid


@pytest.mark.parametrize("seed", range(3))
def test_the_covering_bound_says_something_on_a_chain(seed: int) -> None:
    facts = facts_of(with_scratchpad(chain(60, seed), 9_600))
    best = best_first(facts, 20, 2**62)
    assert best.path is not None
    assert 0.5 * best.path.paid < covering_bound(facts, 5) <= best.path.paid


@SLOW
@given(problem=SMALL)
def test_reach_is_the_transitive_closure(problem: Problem) -> None:
    known, count = reach(problem), len(problem.operators)
    expected: dict[int, set[int]] = {}
    for o in source_order(problem):
        before = set(problem.predecessors(o))
        expected[o] = before.union(*(expected[p] for p in before))
    for a in range(count):
        for b in range(count):
            assert known.before(a, b) == (a in expected[b])
    assert known.related().tolist() == [
        len(expected[o]) + sum(o in each for each in expected.values()) for o in range(count)
    ]


@pytest.mark.parametrize("scratchpad", [26, 30, 34])
def test_parts_between_waists_add_up_to_the_whole(scratchpad: int) -> None:
    facts = facts_of(blocks(2, scratchpad))
    whole = best_first(facts, 60, 2**62)
    found = divided(facts, source_order(facts.problem), 60)
    assert whole.proven
    assert found is not None
    assert found.parts == 2
    assert found.proven
    assert whole.path is not None
    assert found.path is not None
    assert found.bound == found.path.paid == whole.path.paid


def test_blocks_that_are_alike_are_one_part() -> None:
    facts = facts_of(blocks(30, 26))
    parts = cut(facts, source_order(facts.problem))
    assert len(parts) == 30
    assert (
        len({signature(part.problem) for part in parts}) == 3
    )  # the first, the last, those in between
    found = divided(facts, source_order(facts.problem), 60)
    assert found is not None
    assert found.path is not None
    plan = plan_of_path(facts, found.path, 5, 0)
    assert plan is not None
    assert verify(facts.problem, plan) == []
    assert found.bound <= traffic(facts.problem, plan).non_compulsory


@SLOW
@given(problem=SMALL)
def test_where_there_are_waists_the_parts_prove_the_optimum(problem: Problem) -> None:
    facts = facts_of(problem)
    whole = best_first(facts, 10, 2**62)
    assume(whole.proven and whole.path is not None)
    assert whole.path is not None
    found = divided(facts, source_order(problem), 10)
    if found is not None:
        assert found.bound == whole.path.paid
        assert found.path is not None
        assert found.path.paid == whole.path.paid


@SLOW
@given(problem=SMALL)
def test_a_window_over_everything_finds_the_optimum_of_the_paths(problem: Problem) -> None:
    first = greedy(problem)
    assume(first.plan is not None)
    assert first.plan is not None
    whole = best_first(facts_of(problem), 10, 2**62)
    assume(whole.proven)
    assert whole.path is not None
    layout = layout_of(problem, first.plan)
    window = Window(0, layout.uses.steps, pays(layout, 0, layout.uses.steps))
    assert window.pays == traffic(problem, layout.plan()).non_compulsory
    found, certain = cheaper(layout, window, 10, 1.0)
    assert certain
    if found is None:
        assert whole.path.paid >= window.pays
    else:
        assert whole.path.paid < window.pays


def check_search(problem: Problem, seconds: float) -> int:
    """How many better layouts there were; each is judged."""
    first = greedy(problem, seconds=seconds)
    if first.plan is None:
        return 0
    layout = layout_of(problem, first.plan)
    assert verify(problem, layout.plan()) == []
    before = traffic(problem, layout.plan()).non_compulsory
    assert before == first.value
    count = 0
    for better in search(layout, seconds, 0):
        plan = better.plan()
        assert verify(problem, plan) == []
        value = traffic(problem, plan).non_compulsory
        assert value < before
        before, count = value, count + 1
    return count


@SLOW
@given(problem=SMALL)
def test_every_window_leaves_a_legal_and_better_plan(problem: Problem) -> None:
    check_search(problem, 1)


def test_windows_keep_results_in_place() -> None:
    for seed in range(40):
        check_search(tangle(12, seed, "resident"), 0.5)


def test_windows_better_the_plan_of_greedy() -> None:
    assert check_search(blocks(12, 30), 4) > 0


def test_windows_cover_the_program_and_the_dearest_comes_first() -> None:
    problem = with_scratchpad(chain(200, 3), 9_600)
    first = greedy(problem)
    assert first.plan is not None
    layout = layout_of(problem, first.plan)
    found = windows(layout, 32)
    assert [w.pays for w in found] == sorted((w.pays for w in found), reverse=True)
    assert all(w.last - w.first <= 32 and w.pays > 0 for w in found)


@SLOW
@given(problem=problems(rules=["resident"], most_operators=6))
def test_orders_worth_trying_run(problem: Problem) -> None:
    source = source_order(problem)
    for order in (by_sink(problem), compact(problem), late(problem, source), *orders(problem)):
        seen: set[int] = set()
        for o in order:
            assert seen >= set(problem.predecessors(o))
            seen.add(o)
        assert len(seen) == len(order) == len(problem.operators)


def test_an_update_runs_as_soon_as_its_gradient_is_there() -> None:
    tensors = [Tensor("x", 1, "input"), Tensor("w", 1, "weight")]
    tensors += [Tensor(name, 1) for name in ("g1", "g2", "g3")]
    tensors += [Tensor(name, 1, "output") for name in ("u1", "u2", "u3")]
    ends = [((0,), (2,)), ((2,), (3,)), ((3,), (4,)), ((2, 1), (5,)), ((3, 1), (6,)), ((4,), (7,))]
    made = tuple(
        Operator(f"o{k}", "toy", reads, writes, (1,) * len(reads), (1,), 1.0)
        for k, (reads, writes) in enumerate(ends)
    )
    problem = Problem("updates", replace(toy(9)), tuple(tensors), made)
    assert by_sink(problem) == (0, 3, 1, 4, 2, 5)


@SLOW
@given(problem=SMALL)
def test_the_phases_for_large_programs_never_lose_to_greedy(problem: Problem) -> None:
    first = greedy(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phases, "SMALL", 0)
        outcome = solve(problem, seconds=1)
    best = best_first(facts_of(problem), 10, 2**62)
    assert outcome.bound is not None or outcome.plan is None
    if outcome.plan is not None:
        assert verify(problem, outcome.plan) == []
        assert outcome.value == traffic(problem, outcome.plan).non_compulsory
        assert first.value is None or outcome.value <= first.value
        if best.proven:
            assert best.path is not None
            assert (outcome.bound or 0) <= outcome.value
            assert outcome.value >= best.path.paid
            assert outcome.status != "optimal" or outcome.bound == outcome.value


@pytest.mark.parametrize("seed", range(2))
def test_one_seed_gives_one_plan_where_the_time_suffices(seed: int) -> None:
    problem = blocks(4, 30)
    found = [solve(problem, seconds=60, seed=seed) for _ in range(2)]
    assert found[0].plan == found[1].plan
    assert found[0].bound == found[1].bound


def test_the_largest_program_is_divided_and_more_is_left_to_greedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = with_scratchpad(chain(60, 1), 14_016)
    monkeypatch.setattr(solver, "LARGEST", 59)
    outcome = solve(problem, seconds=5)
    assert outcome.value == greedy(problem).value
    assert outcome.bound == 0
