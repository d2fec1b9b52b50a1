"""The solver `ilp` against brute force over orders, offsets and replacement."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from cosmalloc.greedy import solve as greedy
from cosmalloc.ilp import phases, solve
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.floor import floor_of_all_orders
from cosmalloc.plan_json import read_outcome
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.problem_json import problem_text
from cosmalloc.traffic import peak, traffic
from cosmalloc.verify import verify
from tests.nets import chain, with_scratchpad
from tests.oracle import least_peak, least_traffic, topological_orders
from tests.strategies import problems

SMALL = problems(rules=["resident"], most_operators=5, most_reads=3, most_spare=0)
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ORDERS = 12  # at most, for brute force


@SLOW
@given(problem=SMALL)
def test_bound_optimum_plan_and_greedy_stand_in_this_order(problem: Problem) -> None:
    orders = list(topological_orders(problem))
    assume(len(orders) <= ORDERS)
    found = [least_traffic(problem, order) for order in orders]
    least = min((each[0] for each in found if each is not None), default=None)
    outcome = solve(problem, seconds=5)
    if least is None:
        assert outcome.plan is None
        return
    assert outcome.plan is not None
    assert outcome.bound is not None
    assert verify(problem, outcome.plan) == []
    value = traffic(problem, outcome.plan).non_compulsory
    assert outcome.bound <= least <= value == outcome.value
    assert floor_of_all_orders(facts_of(problem), 5) <= least
    if outcome.status == "optimal":
        assert value == least
    first = greedy(problem)
    assert first.value is None or value <= first.value


@SLOW
@given(problem=SMALL)
def test_the_lowest_peak_is_that_of_brute_force(problem: Problem) -> None:
    orders = list(topological_orders(problem))
    assume(len(orders) <= ORDERS)
    found = [least_peak(problem, order) for order in orders]
    least = min((each for each in found if each is not None), default=None)
    outcome = solve(problem, objective="peak", seconds=5)
    if outcome.plan is None:
        assert least is None or outcome.status == "unknown"
        return
    assert verify(problem, outcome.plan) == []
    assert outcome.bound is not None
    assert least is not None
    assert outcome.bound <= least <= peak(problem, outcome.plan) == outcome.value


@SLOW
@given(problem=problems(rules=["anywhere"]))
def test_under_the_other_rule_the_plan_is_legal_and_no_worse(problem: Problem) -> None:
    outcome = solve(problem, seconds=1)
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []


def test_ctrl_c_ends_with_the_best_plan_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "beam", interrupt)
    monkeypatch.setattr(phases, "covering_bound", lambda *_: 0)
    problem = with_scratchpad(chain(60, 1), 14_016)
    outcome = solve(problem)
    assert outcome.status == "feasible"
    assert outcome.value == greedy(problem).value


def test_without_time_it_is_the_first_plan_with_a_bound() -> None:
    outcome = solve(with_scratchpad(chain(200, 1), 14_016), seconds=0)
    assert outcome.plan is not None
    assert outcome.bound is not None


STUCK = """
import sys, time
from cosmalloc.ilp import phases

def stuck(*_):
    print("searching", file=sys.stderr, flush=True)
    while True:
        time.sleep(0.01)

if __name__ == "__main__":
    phases.covering_bound = stuck
    from cosmalloc.cli import main
    main()
"""


def interrupted(folder: Path, problem: Problem) -> tuple[int, str, Path]:
    """Exit code, last words and plan file of a `solve` that Ctrl-C ends in the search."""
    (folder / "stuck.py").write_text(STUCK)
    (folder / "problem.json").write_text(problem_text(problem))
    words = [sys.executable, "stuck.py", "solve", "problem.json", "--solver", "ilp", "-o", "plan"]
    child = subprocess.Popen(
        words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert child.stderr is not None
    assert child.stderr.readline() == "searching\n"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    return child.returncode, said, folder / "plan"


def test_ctrl_c_writes_the_best_plan_and_says_so(tmp_path: Path) -> None:
    problem = with_scratchpad(chain(60, 1), 14_016)
    code, said, plan = interrupted(tmp_path, problem)
    assert (code, said) == (0, "interrupted: the best plan so far\n")
    outcome = read_outcome(str(plan), problem)
    assert outcome.plan is not None
    assert verify(problem, outcome.plan) == []


def test_ctrl_c_without_a_plan_writes_nothing(tmp_path: Path) -> None:
    tensors = [Tensor("x", 4, "input"), Tensor("a", 4), Tensor("b", 4), Tensor("y", 4, "output")]
    ends = [((0,), (1,)), ((1,), (2,)), ((2,), (3,))]
    nodes = [Operator("o", "toy", r, w, (4,), (4,), 1.0) for r, w in ends]
    problem = replace(chain(1), tensors=tuple(tensors), operators=tuple(nodes))
    code, said, plan = interrupted(tmp_path, with_scratchpad(problem, 7))
    assert (code, said) == (130, "")
    assert not plan.exists()
