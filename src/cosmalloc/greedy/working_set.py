"""How much scratchpad one step needs by itself, under the operand rule `resident`.

    height(s) = sum of size_b - max of (size_b - bytes_b)      over the buffers b of step s
    size_b    = bytes_b rounded up to the alignment

The buffer with the largest rounding lies on top, where its rounding costs nothing. Every tracked
operand and result is a buffer; an *in-place pair* is one buffer of its larger tensor's bytes:
operand and result of one alias group, the operand not read later. Everything can be stored and
reloaded between steps, so an order has a plan exactly if every height fits.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.in_place import updates


@dataclass(frozen=True, slots=True)
class Pair:
    """The result may take the operand's bytes in this step, the operand's last."""

    step: int
    operand: int
    result: int


def in_place_pairs(uses: Uses, on: Bools | None = None) -> tuple[Pair, ...]:
    """The pairs that save most: in each step and alias group the largest operand with the largest
    result, and so on, after what is updated in place with its result.

    on: bool[U], the uses on chip; all, if not given. Nobody pairs with what is off-chip.

    A pair saves min(size), and sum of min over a matching is largest when both sides are sorted
    alike.
    """
    tensors = uses.problem.tensors
    if all(tensor.alias_group is None for tensor in tensors):
        return ()
    there = np.ones(len(uses.step), np.bool_) if on is None else on
    pairs = _update_pairs(uses, there)
    taken = {(pair.step, t) for pair in pairs for t in (pair.operand, pair.result)}
    for at, index in enumerate(uses.life.order):
        operator = uses.problem.operators[index]
        operands: dict[int, list[int]] = defaultdict(list)
        results: dict[int, list[int]] = defaultdict(list)
        for tensor in operator.inputs:
            group = tensors[tensor].alias_group
            if not tensors[tensor].tracked or group is None or (at, tensor) in taken:
                continue
            if uses.life.uses[tensor][-1] == at and there[uses.begin[tensor + 1] - 1]:
                operands[group].append(tensor)
        for tensor in operator.outputs:
            group = tensors[tensor].alias_group
            if not tensors[tensor].tracked or group is None or (at, tensor) in taken:
                continue
            if there[uses.begin[tensor]]:
                results[group].append(tensor)
        for group, members in operands.items():
            members.sort(key=lambda t: -tensors[t].bytes)
            mates = sorted(results[group], key=lambda t: -tensors[t].bytes)
            pairs += [Pair(at, a, r) for a, r in zip(members, mates, strict=False)]
    return tuple(sorted(pairs, key=lambda pair: pair.step))


def _update_pairs(uses: Uses, on: Bools) -> list[Pair]:
    """Every update with the largest of its operands that is left."""
    tensors = uses.problem.tensors
    pairs: dict[tuple[int, int], Pair] = {}
    for update in updates(uses.problem, uses.life.order):
        free = [t for t in update.operands if tensors[t].tracked and (update.step, t) not in pairs]
        free = [t for t in free if on[uses.begin[t + 1] - 1]]
        if free and on[uses.begin[update.result]]:
            operand = max(free, key=lambda t: tensors[t].bytes)
            pairs[update.step, operand] = Pair(update.step, operand, update.result)
    return list(pairs.values())


def base_load(uses: Uses, pairs: tuple[Pair, ...]) -> Ints:
    """int64[steps]: rounded bytes of every step's operands and results, a pair counted once."""
    load = np.zeros(uses.steps, np.int64)
    np.add.at(load, uses.step, uses.size[uses.tensor])
    for pair in pairs:
        load[pair.step] -= min(uses.size[pair.operand], uses.size[pair.result])
    return load


def heights(uses: Uses, pairs: tuple[Pair, ...]) -> Ints:
    """int64[steps]: bytes of scratchpad that each step needs by itself."""
    slack = np.zeros(uses.steps, np.int64)
    shared = {(min((p.operand, p.result), key=lambda t: int(uses.bytes[t])), p.step) for p in pairs}
    spare = (uses.size - uses.bytes)[uses.tensor]
    if shared:
        hidden = [(int(t), int(s)) in shared for t, s in zip(uses.tensor, uses.step, strict=True)]
        spare = np.where(hidden, 0, spare)
    np.maximum.at(slack, uses.step, spare)
    return base_load(uses, pairs) - slack
