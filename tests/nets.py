"""Larger random problems, from a seed: chains with skips, weights, in-place updates, fan-out."""

from __future__ import annotations

import random
from dataclasses import replace

from cosmalloc.problem import Operator, Problem, Tensor, TensorKind
from cosmalloc.target import OperandRule, Target


def chain(operators: int, seed: int = 0, skip: float = 0.3, reach: int = 60) -> Problem:
    """A chain whose operators read earlier results and weights now and then; scratchpad 0."""
    dice = random.Random(seed)
    tensors = [Tensor("x", 1000, "input")]
    made: list[Operator] = []
    recent = [0]
    for index in range(operators):
        reads = [recent[-1]]
        far = dice.choice(recent[-reach:])
        if dice.random() < skip and far not in reads:
            reads.append(far)
        if dice.random() < 0.3:
            tensors.append(Tensor(f"w{index}", 16 * dice.randint(1, 200), "weight"))
            reads.append(len(tensors) - 1)
        kind: TensorKind = "output" if index == operators - 1 else "intermediate"
        tensors.append(Tensor(f"t{index}", 16 * dice.randint(1, 200), kind))
        recent.append(len(tensors) - 1)
        made.append(_operator(tensors, index, reads, [recent[-1]], tensors[-1].bytes * 2e-12))
    target = Target("npu", 0, 64, "resident", 4e9, 4e9, 64e9, 64e9)
    return Problem(f"chain{operators}", target, tuple(tensors), tuple(made))


def tangle(operators: int, seed: int, rule: OperandRule, most_bytes: int = 20) -> Problem:
    """Everything at once: alias groups, several results, partial and repeated access, outputs that
    are read, streams, a scratchpad between too little and plenty."""
    dice = random.Random(seed)
    tensors = [
        _tensor(dice, dice.choice(["input", "weight"]), most_bytes)
        for _ in range(dice.randint(1, 3))
    ]
    made: list[Operator] = []
    for index in range(operators):
        live = range(len(tensors))
        reads = dice.sample(live, min(len(live), dice.randint(0, 3)))
        writes = list(range(len(tensors), len(tensors) + dice.choice([0, 1, 1, 1, 2])))
        kinds = ["intermediate"] * 3 + ["output"]
        tensors += [_tensor(dice, dice.choice(kinds), most_bytes) for _ in writes]
        made.append(_operator(tensors, index, reads, writes, dice.choice([0, 1e-9, 5e-9]), dice))
    if dice.random() < 0.3:
        dice.shuffle(made)
    room, align = dice.randint(most_bytes // 4, most_bytes * 9 // 2), dice.choice([1, 1, 3, 4, 8])
    target = Target("toy", room, align, rule, 4e9, 2e9, 64e9, 64e9, None, dice.randint(0, 2))
    return Problem(f"tangle{seed}", target, tuple(tensors), tuple(made))


def with_scratchpad(problem: Problem, size: int) -> Problem:
    """The same problem on a target with `size` bytes."""
    return replace(problem, target=replace(problem.target, scratchpad_bytes=size))


def _tensor(dice: random.Random, kind: str, most_bytes: int) -> Tensor:
    size = dice.choice([dice.randint(1, most_bytes), 2 * most_bytes // 5])
    group = dice.choice([None, 0, 0, 1])
    return Tensor("t", size, kind, dice.random() < 0.92, group)  # type: ignore[arg-type]


def _operator(
    tensors: list[Tensor],
    index: int,
    reads: list[int],
    writes: list[int],
    seconds: float,
    dice: random.Random | None = None,
) -> Operator:
    def accessed(tensor: int) -> int:
        size = tensors[tensor].bytes
        return size if dice is None else dice.choice([size] * 4 + [size // 2, 2 * size, 0])

    return Operator(
        f"o{index}",
        "toy",
        tuple(reads),
        tuple(writes),
        tuple(map(accessed, reads)),
        tuple(map(accessed, writes)),
        seconds,
    )
