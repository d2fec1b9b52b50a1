"""mallocGame: memory mapping as a game for one player, many games at a time.

    games = Games(problems, objective="latency", order="given", board=(32, 32), lookahead=8)
    games.legal()                    bool[B, MOVES]
    games.observe()                  Observation, see rl_agent/observe.py
    reward, done = games.step(moves) float64[B], bool[B]

Steps are walked in order; in each step every tracked operand, then every tracked result, asks for a
move (a *use*). All looking is back: a move says how the bytes come to this step.

    COPY     the tensor is loaded, in a window that ends at this step; the rule picks window and
             place. It stands on chip afterwards
    NO_COPY  an operand: served from where it stands, its residency extended to this step.
             A result: made on chip. It stands on chip afterwards
    DROP     `anywhere`: read or written off-chip. `resident`: on chip for this step alone.
             It does not stand on chip afterwards
    PICK + k with order="free": the k-th ready operator, by source order, runs next

What stands on chip may be kept, or covered by what a later move brings; a covered or dropped tensor
that is wanted again off-chip is stored in the background from its last write on. A use with one
legal move, and a pick among one operator, is played by the game. Every game ends, in a legal plan.

Value: the objective of the plan so far, if all that is left costs what it costs dropped. reward =
(value before - value after) / value at the start; the rewards of a game add up to the share of the
objective that the plan saves against dropping everything.

A slot whose game is over takes any move and answers with reward 0, done True. A game without any
choice is over at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arrays import Goal, Ordering, program_of
from cosmalloc.rl_agent.observe import READY, Observation

GAME_VERSION = 3  # moves when the same moves lead to another plan or another observation
COPY, NO_COPY, DROP, PICK = 0, 1, 2, 3
MOVES = PICK + READY
MOVE_NAMES = ("copy", "no_copy", "drop", *(f"pick {k}" for k in range(READY)))

Slots = Sequence[int] | NDArray[np.int64]
Phase = Literal["use", "pick", "over"]


@dataclass(frozen=True, slots=True)
class Use:
    """What a slot waits for. phase: `use` a move for an access, `pick` an operator, `over` nothing.

    step: the step under way, or the one behind those done. operator, tensor: indices in the
    problem, -1 unless phase is `use`. is_result: it is made, not read.
    """

    phase: Phase
    step: int
    operator: int = -1
    tensor: int = -1
    is_result: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """Positions of some slots of one `Games`."""

    kept: _native.KeptGames


class Games:
    """One game per slot, B slots. Slots given the same Problem object share its arrays.

    Wherever slots can be named, None means all of them; answers have one row per slot named.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        objective: Goal = "latency",
        order: Ordering = "given",
        board: tuple[int, int] = (32, 32),
        lookahead: int = 8,
    ) -> None:
        """board: steps and parts of the scratchpad seen. lookahead: uses seen.

        InputError for an operator that never fits (rule `resident`), or has no seconds (objective
        `latency`).
        """
        self.problems = tuple(problems)
        self.objective, self.order = objective, order
        self.board, self.lookahead = board, lookahead
        known: dict[int, _native.GameProgram] = {}
        for problem in self.problems:
            if id(problem) not in known:
                known[id(problem)] = program_of(problem, objective, order)
        self._games = _native.Games([known[id(problem)] for problem in self.problems])
        self._all = np.arange(len(self.problems), dtype=np.int64)

    def __len__(self) -> int:
        """B."""
        return len(self.problems)

    def reset(self, slots: Slots | None = None) -> None:
        """Each slot named begins its game anew."""
        self._games.reset(self._named(slots))

    def legal(self, slots: Slots | None = None) -> NDArray[np.bool_]:
        """bool[b, MOVES]; nothing is legal once a game is over."""
        return self._games.legal(self._named(slots))

    def observe(self, slots: Slots | None = None) -> Observation:
        """What the player sees, b rows."""
        return Observation(*self._games.observe(self._named(slots), *self.board, self.lookahead))

    def step(
        self, moves: Sequence[int] | NDArray[np.integer], slots: Slots | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Plays one move per slot. Rewards and whether games are over.

        InputError for an illegal move; then nobody has moved.
        """
        named, chosen = self._named(slots), np.ascontiguousarray(moves, np.int32)
        if chosen.shape != named.shape:
            raise InputError(f"{chosen.size} moves for {named.size} slots", "give one per slot")
        wrong = self._games.illegal(chosen, named)
        if wrong >= 0:
            slot, move = int(named[wrong]), int(chosen[wrong])
            word = MOVE_NAMES[move] if 0 <= move < MOVES else "unknown"
            legal = self.legal([slot])[0]
            names = [name for name, can in zip(MOVE_NAMES, legal, strict=True) if can]
            raise InputError(
                f"move {move} (`{word}`) is illegal in slot {slot}", f"legal: {', '.join(names)}"
            )
        return self._games.step(chosen, named)

    def done(self, slots: Slots | None = None) -> NDArray[np.bool_]:
        """bool[b], whose game is over."""
        return self._games.done(self._named(slots))

    def moves_made(self, slots: Slots | None = None) -> NDArray[np.int64]:
        """int64[b], moves so far, those that the game plays itself too."""
        return self._games.played(self._named(slots))

    def values(self, slots: Slots | None = None) -> NDArray[np.float64]:
        """float64[b], seconds or bytes; of a game that is over, the plan's objective."""
        return self._games.values(self._named(slots))

    def bases(self, slots: Slots | None = None) -> NDArray[np.float64]:
        """float64[b], the objective with everything dropped."""
        return self._games.bases(self._named(slots))

    def value(self, slot: int) -> float:
        """Of one slot."""
        return float(self.values([slot])[0])

    def base(self, slot: int) -> float:
        """Of one slot."""
        return float(self.bases([slot])[0])

    def use(self, slot: int) -> Use:
        """What the slot waits for."""
        step, operator, access = self._games.use(self._slot(slot))
        if operator < 0:
            return Use("over" if self.done([slot])[0] else "pick", step)
        node = self.problems[slot].operators[operator]
        tensor = (*node.inputs, *node.outputs)[access]
        return Use("use", step, operator, tensor, access >= len(node.inputs))

    def turns(self, slots: Slots | None = None) -> NDArray[np.int64]:
        """int64[b, 3]: step, operator (-1 if none is asked for), place among its operands, then
        results, of the move that each slot waits for."""
        named = self._named(slots).tolist()
        return np.array([self._games.use(slot) for slot in named], np.int64).reshape(-1, 3)

    def picks(self, slots: Slots | None = None) -> NDArray[np.int32]:
        """int32[b, READY], the operators behind each PICK + k, -1 for none."""
        return self._games.picks(self._named(slots))

    def orders(self, slots: Slots | None = None) -> NDArray[np.int64]:
        """int64[b, N], of slots of programs of N operators each: in which order these run, what is
        left as it comes."""
        return np.array([self._games.plan(slot)[0] for slot in self._named(slots).tolist()])

    def plan(self, slot: int) -> Plan:
        """The plan of the game; what is left of a game that is not over is dropped."""
        order, stays, copies = (part.tolist() for part in self._games.plan(self._slot(slot)))
        return Plan(
            tuple(order),
            tuple(Residency(*stay) for stay in sorted(stays, key=lambda stay: stay[2])),
            tuple(
                Transfer(tensor, "load" if load else "store", start, stop)
                for tensor, load, start, stop in copies
            ),
        )

    def save(self, slots: Slots | None = None) -> Saved:
        """The positions of these slots, to be restored any number of times."""
        return Saved(self._games.save(self._named(slots)))

    def restore(self, saved: Saved) -> None:
        """The slots saved stand where they stood."""
        self._games.restore(saved.kept)

    def clone_slot(self, source: int, target: int) -> None:
        """`target` plays on from where `source` stands."""
        self.clone_slots([source], [target])

    def clone_slots(self, sources: Slots, targets: Slots) -> None:
        """Many at once; all sources are read before any target is written.

        InputError unless both slots of each pair have the same problem.
        """
        named, changed = self._named(sources), self._named(targets)
        for source, target in zip(named.tolist(), changed.tolist(), strict=True):
            if self.problems[source] is not self.problems[target]:
                raise InputError(
                    f"slots {source} and {target} play different problems",
                    "give both the same Problem object",
                )
        self._games.clone(named, changed)

    def _named(self, slots: Slots | None) -> NDArray[np.int64]:
        if slots is None:
            return self._all
        named = np.ascontiguousarray(slots, np.int64)
        if named.size and not 0 <= named.min() <= named.max() < len(self):
            raise InputError(f"slots {named.min()} to {named.max()}, there are {len(self)}")
        return named

    def _slot(self, slot: int) -> int:
        return int(self._named([slot])[0])


__all__ = [
    "COPY",
    "DROP",
    "GAME_VERSION",
    "MOVES",
    "MOVE_NAMES",
    "NO_COPY",
    "PICK",
    "READY",
    "Games",
    "Saved",
    "Use",
]
