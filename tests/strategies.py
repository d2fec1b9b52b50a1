"""Random small problems for hypothesis.

Branching, several results, reads of outputs, unread inputs, alias groups, untracked tensors, both
operand rules, tight scratchpads, alignments, partial access.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import OPERAND_RULES, OperandRule, Target

QUARTERS = st.integers(0, 16).map(lambda quarter: quarter / 4)  # seconds without rounding
SPEEDS = st.sampled_from([0.5, 1.0, 2.0, 4.0])


@st.composite
def targets(
    draw: st.DrawFn,
    scratchpad: int,
    rules: Sequence[OperandRule] = OPERAND_RULES,
    most_alignment: int = 4,
) -> Target:
    """A target whose figures keep small sums exact."""
    return Target(
        "toy",
        scratchpad,
        draw(st.integers(1, most_alignment)),
        draw(st.sampled_from(rules)),
        draw(SPEEDS),
        draw(SPEEDS),
        draw(SPEEDS),
        draw(SPEEDS),
        draw(st.sampled_from([None, 4.0])),
        draw(st.integers(0, 2)),
    )


@st.composite
def problems(
    draw: st.DrawFn,
    rules: Sequence[OperandRule] = OPERAND_RULES,
    most_operators: int = 5,
    most_reads: int = 2,
    most_bytes: int = 3,
    most_spare: int = 1,
    most_room: int = 10,
    most_alignment: int = 4,
) -> Problem:
    """A problem whose scratchpad is a little smaller or larger than the largest working set.

    most_spare: bytes that the scratchpad may have beyond it. most_room: bytes it has at most.
    """
    tensors = [
        _tensor(draw, draw(st.sampled_from(["input", "weight"])), most_bytes)
        for _ in range(draw(st.sampled_from([2, 3, 1])))
    ]
    operators: list[Operator] = []
    for index in range(most_operators - draw(st.integers(0, most_operators - 1))):
        reads = _some(draw, len(tensors), most_reads)
        writes = range(len(tensors), len(tensors) + draw(st.sampled_from([1, 1, 1, 2])))
        kinds = st.sampled_from(["intermediate", "intermediate", "output"])
        tensors += [_tensor(draw, draw(kinds), most_bytes) for _ in writes]
        operators.append(
            Operator(
                f"o{index}",
                "toy",
                tuple(reads),
                tuple(writes),
                _accessed(draw, tensors, reads),
                _accessed(draw, tensors, writes),
                draw(QUARTERS),
            )
        )
    draw(st.randoms(use_true_random=False)).shuffle(operators)
    target = draw(targets(0, rules, most_alignment))
    largest = _largest_step(tensors, operators, target.alignment)
    scratchpad = max(
        0, min(largest + draw(st.sampled_from([0, *range(-1, most_spare + 1)])), most_room)
    )
    target = Target(**{**_fields(target), "scratchpad_bytes": scratchpad})
    return Problem("toy", target, tuple(tensors), tuple(operators))


def _tensor(draw: st.DrawFn, kind: str, most_bytes: int) -> Tensor:
    return Tensor(
        draw(st.sampled_from(["x", "y", "kernel/0", "π"])),
        draw(st.integers(1, most_bytes)),
        kind,  # type: ignore[arg-type]
        draw(st.sampled_from([True] * 7 + [False])),
        draw(st.sampled_from([None, 0, 0, 1])),
    )


def _some(draw: st.DrawFn, count: int, most: int) -> list[int]:
    """Mostly `most` of `count` tensors, seldom fewer."""
    size = draw(st.sampled_from([most] * 4 + list(range(most))))
    everyone = st.integers(0, count - 1)
    return draw(st.lists(everyone, unique=True, min_size=min(size, count), max_size=size))


def _accessed(draw: st.DrawFn, tensors: Sequence[Tensor], ends: Sequence[int]) -> tuple[int, ...]:
    """Mostly all bytes, sometimes fewer."""
    whole = draw(st.sampled_from([True, True, False]))
    return tuple(
        tensors[t].bytes if whole else draw(st.integers(0, tensors[t].bytes)) for t in ends
    )


def _largest_step(tensors: Sequence[Tensor], operators: Sequence[Operator], alignment: int) -> int:
    def room(operator: Operator) -> int:
        ends = (*operator.inputs, *operator.outputs)
        return sum(
            -(-tensors[t].bytes // alignment) * alignment for t in ends if tensors[t].tracked
        )

    return max(map(room, operators))


def _fields(target: Target) -> dict[str, object]:
    return {name: getattr(target, name) for name in Target.__slots__}
