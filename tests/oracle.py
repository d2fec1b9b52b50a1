"""The slow truth about small problems, found by trying everything. Shares no code with the product.

A state at a border says who is on chip at which offset, which produced tensors are valid off-chip
and how much of each compulsory read and write is still free. Small choices (drop this one, load
that one there) lead from state to state, each kept with the least non-compulsory traffic to it.

Only blocking copies are tried: an asynchronous one takes the same bytes off-chip and more room on
chip, so it never makes a plan possible nor its traffic or peak less. For the same reason a tensor
is loaded at the border of the step that reads it, and stored where its stay ends.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import NamedTuple

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem


class State(NamedTuple):
    """held: (tensor, offset), sorted. valid: produced tensors that are valid off-chip.
    reads, writes: per tensor the bytes of compulsory traffic not yet used.
    ended: operands of the step under way whose bytes a result has taken in place."""

    held: tuple[tuple[int, int], ...]
    valid: frozenset[int]
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    ended: frozenset[int] = frozenset()

    def holds(self, tensor: int) -> bool:
        """Whether the tensor is on chip."""
        return any(tensor == other for other, _ in self.held)


class Action(NamedTuple):
    """What happens to a tensor at border or step `step`: `store`, `drop`, `load`, `make`, `end`."""

    word: str
    tensor: int
    step: int
    offset: int = 0


class Move(NamedTuple):
    """One choice: the non-compulsory bytes so far, the actions so far, the state behind it."""

    cost: int
    actions: tuple[Action, ...]
    state: State


Stage = Callable[[Move], Iterator[Move]]


@dataclass(frozen=True)
class Game:
    """A problem under one order, with `room` bytes of scratchpad."""

    problem: Problem
    order: tuple[int, ...]
    room: int

    def start(self) -> Move:
        """Nothing on chip, all compulsory traffic ahead."""
        tensors = self.problem.tensors
        read = {t for operator in self.problem.operators for t in operator.inputs}
        due_reads = (
            x.bytes if x.kind in ("input", "weight") and t in read else 0
            for t, x in enumerate(tensors)
        )
        due_writes = (x.bytes if x.kind == "output" else 0 for x in tensors)
        return Move(0, (), State((), frozenset(), tuple(due_reads), tuple(due_writes)))

    def stages(self) -> Iterator[Stage]:
        """The choices of a whole run, one after the other."""
        for step, index in enumerate(self.order):
            operator = self.problem.operators[index]
            for tensor in range(len(self.problem.tensors)):
                yield partial(self._keep_or_drop, tensor, step)
            for ends in zip(operator.inputs, operator.input_bytes_accessed, strict=True):
                yield partial(self._read, *ends, step)
            for ends in zip(operator.outputs, operator.output_bytes_accessed, strict=True):
                yield partial(self._write, *ends, step)
            yield self._forget_ended
        for tensor in range(len(self.problem.tensors)):
            yield partial(self._keep_or_drop, tensor, len(self.order))

    def _later_reads(self, tensor: int, step: int) -> bool:
        return any(tensor in self.problem.operators[o].inputs for o in self.order[step:])

    def _is_valid(self, state: State, tensor: int) -> bool:
        return self.problem.tensors[tensor].kind in ("input", "weight") or tensor in state.valid

    def _owes(self, state: State, tensor: int, step: int) -> bool:
        """Whether dropping it at border `step` without a store would lose something."""
        is_output = self.problem.tensors[tensor].kind == "output"
        wanted = is_output or self._later_reads(tensor, step)
        return wanted and not self._is_valid(state, tensor)

    def _keep_or_drop(self, tensor: int, step: int, move: Move) -> Iterator[Move]:
        if not move.state.holds(tensor):
            yield move
            return
        if self._later_reads(tensor, step):
            yield move
        if self._owes(move.state, tensor, step):
            move = self._stored(move, tensor, step)
        yield _without(_act(move, Action("drop", tensor, step)), tensor)

    def _read(self, tensor: int, accessed: int, step: int, move: Move) -> Iterator[Move]:
        """A load, or a direct read, unless it is on chip."""
        entry = self.problem.tensors[tensor]
        if not entry.tracked or move.state.holds(tensor):
            yield move
        elif self._is_valid(move.state, tensor):
            if self.problem.target.operand_rule == "anywhere":
                yield _moved_in(move, tensor, accessed)
            loaded = _moved_in(move, tensor, entry.bytes)
            for offset in self._free(move.state, tensor, None):
                action = Action("load", tensor, step, offset)
                yield _holding(_act(loaded, action), tensor, offset)

    def _write(self, tensor: int, accessed: int, step: int, move: Move) -> Iterator[Move]:
        """A free place, an operand's place, or a direct write."""
        if not self.problem.tensors[tensor].tracked:
            yield move
            return
        updated = self._updated(tensor, accessed, step)
        if self.problem.target.operand_rule == "anywhere" and (
            not updated or any(not move.state.holds(operand) for operand in updated)
        ):
            yield _moved_out(move, tensor, accessed)
        for offset in () if updated else self._free(move.state, tensor, None):
            yield _holding(_act(move, Action("make", tensor, step, offset)), tensor, offset)
        for operand, offset in move.state.held:
            takes = self._may_take(tensor, operand, step) and operand not in move.state.ended
            takes = takes and (not updated or operand in updated)
            if takes and offset in self._free(move.state, tensor, operand):
                yield self._taken(move, tensor, operand, offset, step)

    def _taken(self, move: Move, tensor: int, operand: int, offset: int, step: int) -> Move:
        if self._owes(move.state, operand, step + 1):
            move = self._stored(move, operand, step)
        move = _act(_act(move, Action("make", tensor, step, offset)), Action("end", operand, step))
        state = move.state._replace(ended=move.state.ended | {operand})
        return _holding(move._replace(state=state), tensor, offset)

    def _may_take(self, result: int, operand: int, step: int) -> bool:
        tensors = self.problem.tensors
        group = tensors[result].alias_group
        return (
            group is not None
            and tensors[operand].alias_group == group
            and operand in self.problem.operators[self.order[step]].inputs
            and not self._later_reads(operand, step + 1)
        )

    def _updated(self, result: int, accessed: int, step: int) -> list[int]:
        """The operands whose bytes become those that the operator does not write."""
        tensors = self.problem.tensors
        if self.problem.target.operand_rule == "resident" or accessed >= tensors[result].bytes:
            return []
        return [
            operand
            for operand in self.problem.operators[self.order[step]].inputs
            if tensors[operand].kind != "output" and self._may_take(result, operand, step)
        ]

    def _forget_ended(self, move: Move) -> Iterator[Move]:
        for tensor in move.state.ended:
            move = _without(move, tensor)
        yield move._replace(state=move.state._replace(ended=frozenset()))

    def _free(self, state: State, tensor: int, under: int | None) -> list[int]:
        """Aligned offsets where the tensor meets nobody but the one `under` it."""
        size = self.problem.tensors[tensor].bytes
        taken = [
            (offset, offset + self.problem.tensors[other].bytes)
            for other, offset in state.held
            if other != under
        ]
        return [
            low
            for low in range(0, self.room - size + 1, self.problem.target.alignment)
            if all(low + size <= start or stop <= low for start, stop in taken)
        ]

    def _stored(self, move: Move, tensor: int, step: int) -> Move:
        move = _moved_out(move, tensor, self.problem.tensors[tensor].bytes)
        return _act(move, Action("store", tensor, step))


def _act(move: Move, action: Action) -> Move:
    return move._replace(actions=(*move.actions, action))


def _without(move: Move, tensor: int) -> Move:
    held = tuple(pair for pair in move.state.held if pair[0] != tensor)
    return move._replace(state=move.state._replace(held=held))


def _holding(move: Move, tensor: int, offset: int) -> Move:
    held = tuple(sorted((*move.state.held, (tensor, offset))))
    return move._replace(state=move.state._replace(held=held))


def _moved_in(move: Move, tensor: int, count: int) -> Move:
    free = min(count, move.state.reads[tensor])
    reads = list(move.state.reads)
    reads[tensor] -= free
    state = move.state._replace(reads=tuple(reads))
    return move._replace(cost=move.cost + count - free, state=state)


def _moved_out(move: Move, tensor: int, count: int) -> Move:
    free = min(count, move.state.writes[tensor])
    writes = list(move.state.writes)
    writes[tensor] -= free
    state = move.state._replace(writes=tuple(writes), valid=move.state.valid | {tensor})
    return move._replace(cost=move.cost + count - free, state=state)


def least_traffic(
    problem: Problem, order: Sequence[int], room: int | None = None
) -> tuple[int, Plan] | None:
    """The least non-compulsory bytes of any legal plan with this order, and such a plan; None if
    there is none. room: bytes of scratchpad, the target's if None."""
    game = Game(problem, tuple(order), problem.target.scratchpad_bytes if room is None else room)
    front = {game.start().state: game.start()}
    for stage in game.stages():
        following: dict[State, Move] = {}
        for move in front.values():
            for after in stage(move):
                known = following.get(after.state)
                if known is None or after.cost < known.cost:
                    following[after.state] = after
        front = following
    best = min(front.values(), key=lambda move: move.cost, default=None)
    return None if best is None else (best.cost, _plan(order, best.actions))


def least_peak(problem: Problem, order: Sequence[int]) -> int | None:
    """The least bytes of scratchpad that do without non-compulsory traffic, None if none do."""
    for room in range(problem.target.scratchpad_bytes + 1):
        best = least_traffic(problem, order, room)
        if best is not None and best[0] == 0:
            return room
    return None


def topological_orders(problem: Problem) -> Iterator[tuple[int, ...]]:
    """All of them."""
    for order in permutations(range(len(problem.operators))):
        at = {operator: step for step, operator in enumerate(order)}
        if all(at[p] < at[o] for o in order for p in problem.predecessors(o)):
            yield order


def random_plan(problem: Problem, seed: int, tries: int = 20) -> Plan | None:
    """A legal plan by a random walk, copies blocking; None if `tries` walks got stuck."""
    dice = random.Random(seed)
    orders = list(topological_orders(problem))
    for _ in range(tries):
        order = dice.choice(orders)
        game = Game(problem, order, problem.target.scratchpad_bytes)
        move = _walk(game, dice)
        if move is not None:
            return _plan(order, move.actions)
    return None


def _walk(game: Game, dice: random.Random) -> Move | None:
    move = game.start()
    for stage in game.stages():
        moves = list(stage(move))
        if not moves:
            return None
        move = dice.choice(moves)
    return move


def _plan(order: Sequence[int], actions: Sequence[Action]) -> Plan:
    """actions: in the sequence in which they happen, every residency's end included."""
    begun: dict[int, tuple[int, int]] = {}
    stays: list[Residency] = []
    transfers: list[Transfer] = []
    for word, tensor, step, offset in actions:
        if word in ("store", "load"):
            transfers.append(Transfer(tensor, "store" if word == "store" else "load", step, step))
        if word in ("load", "make"):
            begun[tensor] = (offset, step)
        elif word in ("drop", "end"):
            stays.append(Residency(tensor, *begun.pop(tensor), step + (word == "end")))
    return Plan(tuple(order), tuple(stays), tuple(transfers))
