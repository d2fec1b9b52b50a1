"""mallocGame as the agent sees it: its observations in two arrays, its rewards in moves' worth.

Also what the agent's other tools need of many games of one program at a time: the names of uses,
plans, and the games of given moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arena import Bools, Floats, Ints, Look
from cosmalloc.rl_agent.follow_plan import followed
from cosmalloc.rl_agent.game import MOVES, PICK, Games
from cosmalloc.rl_agent.network import Graphs, Sizes
from cosmalloc.rl_agent.observe import (
    EDGE_FEATURES,
    NODE_FEATURES,
    OPERATOR,
    POSITION,
    QUEUE,
    READY,
    USE,
    Observation,
    bucket,
    program_graph,
)
from cosmalloc.rl_agent.script import Line, Links, Thread

Order = Literal["given", "free"]
GameObjective = Literal["latency", "traffic"]
BOARD = (16, 16)  # steps, addresses
LOOKAHEAD = 8  # uses
FEATURES = len(QUEUE) + LOOKAHEAD * len(USE) + READY * len(OPERATOR) + len(POSITION)
GLOBALS = 8


@dataclass(frozen=True, slots=True)
class Rules:
    """What is played for."""

    objective: GameObjective = "latency"
    order: Order = "given"


def network_sizes(hidden: int = 128, rounds: int = 3) -> Sizes:
    """A network that fits this game. rounds: 0 for one that sees no graph."""
    return Sizes(
        MOVES,
        (*BOARD, 4),
        FEATURES,
        NODE_FEATURES,
        EDGE_FEATURES,
        GLOBALS,
        rounds=rounds,
        hidden=hidden,
    )


class MappingArena:
    """Games of several programs side by side, see Arena; `programs` may be renamed."""

    def __init__(self, problems: Sequence[Problem], rules: Rules, spare: int = 0) -> None:
        """problems: one a game; games of one Problem object share its tables. They are called 0,
        1, ... in the sequence of their first games. begun counts games since then."""
        self.rules = rules
        self._rooms = spare + 1
        self.games = Games(
            [problem for problem in problems for _ in range(self._rooms)],
            objective=rules.objective,
            order=rules.order,
            board=BOARD,
            lookahead=LOOKAHEAD,
        )
        kinds = list({id(problem): problem for problem in problems}.values())
        place = {id(problem): index for index, problem in enumerate(kinds)}
        self.programs = np.array([place[id(problem)] for problem in problems], np.int32)
        self.problems = list(problems)
        self._names = [_Uses(problem) for problem in kinds]
        self._kind = self.programs.copy()
        self.worth = np.array([uses_of(problem) for problem in problems], np.float64)
        self._first = _table([each.first for each in self._names])
        self._by_access = _table([each.by_access for each in self._names])
        self._tracked = np.array([self._names[kind].tracked for kind in self._kind])
        self._last = np.array([self._names[kind].count - 1 for kind in self._kind])
        self._roots = np.arange(len(problems)) * self._rooms
        self._picked = np.zeros(len(problems), np.int64)
        self.begun = 0

    @property
    def uses(self) -> int:
        """Names that turns may have, the most of any program."""
        return max(each.count for each in self._names)

    @property
    def threads(self) -> list[Thread]:
        """Of the first game's program."""
        uses: _Uses = self._names[int(self._kind[0])]
        return uses.threads

    @property
    def links(self) -> Links | None:
        """Of the first game's program, None where the order is given."""
        if self.rules.order == "given":
            return None
        return self._links

    @cached_property
    def _links(self) -> Links:
        problem = self.problems[0]
        after: list[list[int]] = [[] for _ in problem.operators]
        before: list[list[int]] = [[] for _ in problem.operators]
        for maker, readers in zip(problem.producer, problem.readers, strict=True):
            if maker is not None:
                after[maker] += readers
                for reader in readers:
                    before[reader].append(maker)
        return Links(after, before)

    def reset(self) -> None:
        self.begun += len(self._roots)
        self.games.reset(self._roots)
        self._picked[:] = 0

    def look(self) -> Look:
        return self._seen(self._roots)

    def legal(self) -> Bools:
        """bool[B, A]."""
        return self.games.legal(self._roots)

    def play(self, moves: Ints) -> tuple[Floats, Bools]:
        self._picked += moves >= PICK
        moves = np.maximum(moves, 0).astype(np.int32)
        rewards, done = self.games.step(moves, self._roots)
        return rewards * self.worth, done

    def imagine(self, game: Ints, node: Ints, move: Ints, goal: int) -> tuple[Floats, Look]:
        there = np.asarray(game * self._rooms + goal, np.int64)
        self.games.clone_slots(np.asarray(game * self._rooms + node, np.int64), there)
        rewards, _ = self.games.step(move.astype(np.int32), there)
        return rewards * self.worth[game], self._seen(there)

    def use(self) -> Ints:
        """int[B], the name of the turn at hand: a use's, or the number of the pick behind those."""
        turns = self.games.turns(self._roots)
        operator, place = turns[:, 1], turns[:, 2]
        known = self._by_access[self._kind, self._first[self._kind, operator] + place]
        picks = np.minimum(self._last, self._tracked + self._picked)
        return np.asarray(np.where(operator >= 0, known, picks))

    def ready(self) -> Ints:
        """int[B, READY], the operators to pick from, -1 for none."""
        return self.games.picks(self._roots)

    def orders(self) -> NDArray[np.int64]:
        """int64[B, N], of games of one program, the rest as it comes."""
        return self.games.orders(self._roots)

    def values(self) -> NDArray[np.float64]:
        """float[B], the objective of each game's plan so far, the rest off-chip."""
        return self.games.values(self._roots)

    def plan(self, game: int) -> Plan:
        """Of one game, the rest off-chip."""
        return self.games.plan(int(self._roots[game]))

    def followed(self, plan: Plan) -> Line:
        """The game of game 0's program that comes nearest to a plan, not played yet."""
        steps = [0] * len(plan.order)
        for step, operator in enumerate(plan.order):
            steps[operator] = step
        moves = followed(self._names[self._kind[0]].place, self.uses, plan, steps)
        free = self.rules.order == "free"
        return Line(moves, -np.inf, np.array(plan.order, np.int64) if free else None)

    def _seen(self, slots: NDArray[np.int64]) -> Look:
        seen: Observation = self.games.observe(slots)
        legal = self.games.legal(slots)
        rows = len(slots)
        features = [seen.queue, seen.uses, seen.ready, seen.position]
        node = np.where(seen.operators[:, 0] >= 0, seen.operators[:, 0], -1)
        return Look(
            seen.board,
            np.concatenate([each.reshape(rows, -1) for each in features], 1),
            node.astype(np.int32),
            legal,
            np.asarray(~legal.any(1)),
        )


class _Uses:
    """Names of a program's turns: tracked operands and results, then picks."""

    def __init__(self, problem: Problem) -> None:
        self.place: dict[tuple[int, int], int] = {}
        self.first: list[int] = []  # per operator, of its operands and results in
        self.by_access: list[int] = []  # the name of each, -1 for one that is not tracked
        for index, node in enumerate(problem.operators):
            self.first.append(len(self.by_access))
            for tensor in (*node.inputs, *node.outputs):
                tracked = problem.tensors[tensor].tracked
                self.by_access.append(len(self.place) if tracked else -1)
                if tracked:
                    self.place[index, tensor] = len(self.place)
        self.tracked = len(self.place)
        self.threads = self._threads(problem)
        self.count = max(1, self.tracked + len(problem.operators))

    def _threads(self, problem: Problem) -> list[Thread]:
        rank = {operator: step for step, operator in enumerate(source_order(problem))}
        uses: dict[int, list[tuple[int, int]]] = {}
        for (operator, tensor), name in self.place.items():
            uses.setdefault(tensor, []).append((rank[operator], name))
        return [
            Thread(
                np.array([name for _, name in sorted(each)]), problem.producer[tensor] is not None
            )
            for tensor, each in uses.items()
        ]


def _table(rows: list[list[int]]) -> NDArray[np.int64]:
    """One row below the other, and a column more at the end, padded by 0."""
    table = np.zeros((len(rows), 1 + max(map(len, rows))), np.int64)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table


def uses_of(problem: Problem) -> int:
    """How many tracked operands and results its operators have; at least 1."""
    tensors = problem.tensors
    ends = (t for node in problem.operators for t in (*node.inputs, *node.outputs))
    return max(1, sum(tensors[t].tracked for t in ends))


def graphs_of(problems: Sequence[Problem], nodes: int = 0, edges: int = 0) -> Graphs:
    """Their graphs in one shape. nodes, edges: padded sizes, 0 for the largest's bucket."""
    n = nodes or max(bucket(len(problem.operators)) for problem in problems)
    e = edges or max(bucket(links_of(problem)) for problem in problems)
    return stacked([one_graph(problem, n, e) for problem in problems])


def one_graph(problem: Problem, nodes: int, edges: int) -> Graphs:
    """Of one program, without the first axis."""
    graph = program_graph(problem, nodes=nodes, edges=edges)
    ends = np.stack([graph.senders, graph.receivers], 1)
    ends = np.where(graph.edge_mask[:, None], ends, nodes).astype(np.int32)
    return Graphs(graph.nodes, graph.node_mask, ends, graph.edges, graph.globals)


def stacked(graphs: Sequence[Graphs]) -> Graphs:
    """Graphs of one shape, one above the other."""
    return Graphs(*(np.stack(each) for each in zip(*graphs, strict=True)))


def links_of(problem: Problem) -> int:
    """Edges of its graph."""
    makers = zip(problem.producer, problem.readers, strict=True)
    return sum(len(readers) for maker, readers in makers if maker is not None)
