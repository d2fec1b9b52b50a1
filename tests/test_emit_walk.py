"""The list of what a runtime does: run on bytes, every operator reads what it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import cosmalloc
from cosmalloc.emit import Copy, Event, Walk, walk
from cosmalloc.emit.walk import Operand
from cosmalloc.in_place import updates
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from tests.nets import tangle


class Runtime:
    """Memory is bytes; tensor t is whole where a place holds `pattern(t)`."""

    def __init__(self, problem: Problem, todo: Walk) -> None:
        self.problem, self.todo = problem, todo
        self.arena = np.full(todo.arena_bytes, 255, np.uint8)
        self.heap = np.full(todo.heap.bytes, 255, np.uint8)
        self.own = {
            index: self.pattern(index) if tensor.kind != "output" else np.zeros(tensor.bytes)
            for index, tensor in enumerate(problem.tensors)
            if tensor.kind != "intermediate"
        }

    def pattern(self, tensor: int) -> Any:
        return np.random.default_rng(tensor).integers(0, 250, self.problem.tensors[tensor].bytes)

    def home(self, tensor: int) -> Any:
        home = self.todo.heap.homes[tensor]
        size = self.problem.tensors[tensor].bytes
        if home in self.todo.heap.offsets:
            at = self.todo.heap.offsets[home]
            assert at + size <= self.todo.heap.bytes
            return self.heap[at : at + size]
        return self.own[home][:size]

    def at(self, operand: Operand) -> Any:
        if operand.offset is None:
            return self.home(operand.tensor)
        size = self.problem.tensors[operand.tensor].bytes
        assert operand.offset + size <= self.todo.arena_bytes
        return self.arena[operand.offset : operand.offset + size]

    def run(self) -> bool:
        """Whether every operator read what it should and every output is there."""
        good = True
        for event in self.todo.events:
            if event.kind == "run":
                good &= self.step(event.index)
            else:
                self.move(self.todo.copies[event.index], event)
        outputs = [
            index
            for index, tensor in enumerate(self.problem.tensors)
            if tensor.kind == "output" and tensor.tracked
        ]
        return good and all(np.array_equal(self.home(t), self.pattern(t)) for t in outputs)

    def move(self, copy: Copy, event: Event) -> None:
        here = self.at(Operand(copy.tensor, copy.offset))
        if event.kind == "begin":
            if copy.kind == "load":
                here[:] = 251
        elif copy.kind == "load":
            here[:] = self.home(copy.tensor)
        else:
            self.home(copy.tensor)[:] = here

    def step(self, step: int) -> bool:
        it = self.todo.steps[step]
        good = all(np.array_equal(self.at(each), self.pattern(each.tensor)) for each in it.inputs)
        for each in it.outputs:
            self.at(each)[:] = self.pattern(each.tensor)
        return good


def plans(rule: Any) -> list[tuple[Problem, Plan]]:
    found = []
    for seed in range(60):
        problem = tangle(12, seed, rule)
        outcome = cosmalloc.solve(problem, solver="greedy", seconds=2)
        if outcome.plan is not None:
            found.append((problem, outcome.plan))
    return found


@pytest.mark.parametrize("rule", ["resident", "anywhere"])
def test_a_runtime_that_follows_the_list_reads_what_it_should(rule: Any) -> None:
    heaps = 0
    found = plans(rule)
    for problem, plan in found:
        todo = walk(problem, plan)
        heaps += todo.heap.bytes > 0
        assert Runtime(problem, todo).run()
        assert todo.arena_bytes <= problem.target.scratchpad_bytes
        assert [event.kind for event in todo.events].count("run") == len(problem.operators)
    assert len(found) >= 15
    assert heaps >= 5


def test_a_list_with_a_fault_is_noticed() -> None:
    problem, plan = next((a, b) for a, b in plans("resident") if len(b.transfers) > 4)
    todo = walk(problem, plan)
    waits = [event for event in todo.events if event.kind == "wait"]
    noticed = sum(
        not Runtime(problem, replace(todo, events=tuple(e for e in todo.events if e != wait))).run()
        for wait in waits
    )
    assert noticed >= len(waits) - 2  # a load that nobody reads, and the like


def test_an_update_in_place_off_chip_has_one_buffer() -> None:
    """Nothing fits on chip: what is updated in place stays where it lies."""
    shared = 0
    for seed in range(80):
        problem = tangle(12, seed, "anywhere")
        plan = Plan(tuple(range(len(problem.operators))))
        if cosmalloc.verify(problem, plan):
            continue
        todo = walk(problem, plan)
        for update in updates(problem, plan.order):
            homes = {todo.heap.homes[tensor] for tensor in update.operands}
            sizes = {problem.tensors[t].bytes for t in (*update.operands, update.result)}
            rivals = [other for other in updates(problem, plan.order) if other.step == update.step]
            if len(sizes) == 1 and len(rivals) == 1:  # it fits, and no other result wants the place
                assert todo.heap.homes[update.result] in homes
                shared += 1
        assert Runtime(problem, todo).run()
    assert shared > 0
