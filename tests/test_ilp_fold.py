"""Folding operators into their neighbours: fewer states, the same least traffic."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.fold import folded
from cosmalloc.ilp.packing import plan_of_path
from cosmalloc.ilp.search import beam, cheapest_first
from cosmalloc.ilp.steps import ROOT, Node, after
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import Target
from cosmalloc.verify import verify
from cosmalloc.working_set import working_set_bytes
from tests.strategies import problems

FAR = 2**60
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SMALL = problems(rules=["resident"], most_operators=7, most_reads=3, most_spare=1)


@st.composite
def chained(draw: st.DrawFn) -> Problem:
    """Element-wise chains of one size beside each other, joined and split at random."""
    count = draw(st.integers(3, 8))
    size = draw(st.sampled_from([(2, 2), (1, 3)]))
    tensors, nodes, known = [Tensor("x", 2, "input")], list[Operator](), [0]
    for index in range(count):
        reads = draw(st.lists(st.sampled_from(known[-4:]), min_size=1, max_size=2, unique=True))
        last = index == count - 1
        tensors.append(Tensor(f"t{index}", draw(st.sampled_from(size)), "intermediate"))
        if last or draw(st.integers(0, 5)) == 0:
            tensors[-1] = replace(tensors[-1], kind="output")
        known.append(index + 1)
        sides = (tuple(reads), (index + 1,))
        nodes.append(Operator(f"o{index}", "toy", *sides, (0,) * len(reads), (0,), 1.0))
    target = Target("toy", 2**20, 1, "resident", 1.0, 1.0, 1.0, 1.0)
    problem = Problem("chains", target, tuple(tensors), tuple(nodes))
    room = max(working_set_bytes(problem, o) for o in range(count)) + draw(st.integers(0, 2))
    return replace(problem, target=replace(target, scratchpad_bytes=room))


@SLOW
@given(problem=st.one_of(SMALL, chained()))
def test_the_least_traffic_is_the_same(problem: Problem) -> None:
    facts = facts_of(problem)
    small = folded(facts)
    if small is None:
        return
    assert small.facts.operators < facts.operators
    whole = cheapest_first(facts, 20, FAR)
    part = cheapest_first(small.facts, 20, FAR)
    assert whole.proven
    assert part.proven
    assert (whole.path is None) == (part.path is None)
    if whole.path is not None and part.path is not None:
        assert part.path.paid == whole.path.paid


@SLOW
@given(problem=st.one_of(SMALL, chained()))
def test_a_path_of_the_folded_walks_in_the_whole(problem: Problem) -> None:
    facts = facts_of(problem)
    path = beam(facts, 8, 20, tuple(range(facts.operators)))
    if path is None:
        return
    node: Node = ROOT
    for operator, dropped in zip(path.order, path.drops, strict=True):
        touched = facts.reads[operator] | facts.makes[operator]
        on_chip = node.held & ~dropped | touched
        total = facts.sizes(on_chip) + facts.fixed[operator]
        total -= facts.lent(operator, node.done | 1 << operator)
        assert facts.fits(operator, on_chip, total)
        assert not facts.before[operator] & ~node.done
        node = after(facts, node, operator, dropped)
    assert node.done == facts.everything
    assert node.paid == path.paid
    plan = plan_of_path(facts, path, 5, 0)
    assert plan is None or verify(problem, plan) == []
