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

A slot whose game is over takes any move and answers with reward 0, done True.
"""

from __future__ import annotations

GAME_VERSION = 1  # moves when the same moves lead to another plan or another observation
COPY, NO_COPY, DROP, PICK = 0, 1, 2, 3
READY = 8  # operators to pick from
MOVES = PICK + READY
MOVE_NAMES = ("copy", "no_copy", "drop", *(f"pick {k}" for k in range(READY)))

# Being built; the signatures of `Games`:
#
#   Games(problems, *, objective="latency", order="given", board=(32, 32), lookahead=8)
#       one slot per problem; B = len(games). Slots of the same Problem object share its arrays.
#   reset(slots=None) -> None                 slots: sequence of int, None for all, here and below
#   legal(slots=None) -> bool[b, MOVES]       all False where the game is over
#   observe(slots=None) -> Observation        b rows
#   step(moves, slots=None) -> (float64[b], bool[b])      InputError: illegal, none moved
#   done() -> bool[B]; moves_made() -> int64[B]; base(slot) -> float; value(slot) -> float
#   plan(slot) -> Plan                        unfinished games: the rest dropped
#   save(slots=None) -> Saved; restore(saved) -> None     any number of times
#   clone_slot(source, target) -> None        the target plays on from where the source stands
#   clone_slots(sources, targets) -> None     many at once, all sources read before any is written
#   use(slot) -> (step, operator, tensor, is_result) of the use to be decided, None while picking
#   follow(problem, plan, ...) -> moves that come nearest to a plan (for imitation)
