"""Flops and bytes accessed of HLO instructions, where no compiler's log tells seconds.

    dot          2 x elements of the result x contracted elements
    convolution  2 x elements of the result x elements of the kernel / its output features
    elementwise  elements of the result; reductions: elements of what is reduced
    moves        none
A fusion does what is in it, and reads of an operand what its computation reads: a slice reads its
result's bytes, an update in place writes the update's. A repeated operand is read once. A custom
call is known only as a matrix product; every other one is an error, as is what has no rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import log2, prod

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_flow import Step
from cosmalloc.passes.xla_in_place import UPDATES, in_place
from cosmalloc.passes.xla_loops import called
from cosmalloc.passes.xla_problem import StepCost
from cosmalloc.passes.xla_shape import Array, Index, leaves
from cosmalloc.passes.xla_text import Computation, Instruction, Module

_ELEMENTWISE = """
    abs add and atan2 cbrt ceil clamp compare complex convert cosine count-leading-zeros divide erf
    exponential exponential-minus-one floor imag is-finite log log-plus-one logistic map maximum
    minimum multiply negate not or popcnt power real reduce-precision remainder round-nearest-afz
    round-nearest-even rsqrt select shift-left shift-right-arithmetic shift-right-logical sign sine
    sqrt stochastic-convert subtract tan tanh xor rng rng-bit-generator
"""
_MOVES = """
    bitcast bitcast-convert broadcast concatenate constant copy copy-start copy-done dynamic-reshape
    dynamic-slice dynamic-update-slice gather get-dimension-size iota pad parameter partition-id
    replica-id reshape reverse slice transpose tuple get-tuple-element async-done async-update
    rng-get-and-update-state
"""
ELEMENTWISE = frozenset(_ELEMENTWISE.split())
MOVES = frozenset(_MOVES.split())
SLICES = frozenset(("slice", "dynamic-slice", "gather"))
FREE_CALLS = frozenset(("AllocateBuffer",))  # custom calls that compute nothing
_NUMBERS = re.compile(r"\d+")
_WINDOW = re.compile(r"size=([\dx]+)")
_CONTRACTED = re.compile(r'"lhs_contracting_dimensions":\["?(\d+)"?\]')


def analytical_cost(module: Module, place: str = "the module") -> Callable[[Step], StepCost]:
    """Costs by rule. The function raises InputError for an operation without one."""
    return _Rules(module, place).step


class _Rules:
    def __init__(self, module: Module, place: str) -> None:
        self.module = module
        self.place = place
        self.known: dict[str, StepCost] = {}

    def step(self, step: Step) -> StepCost:
        if step.view:
            return StepCost(0.0, None, 0.0, {}, {})
        key = f"{step.computation} {step.instruction.name}"
        if key not in self.known:
            body = self.module.computations[step.computation]
            self.known[key] = self._cost(step, body)
        return self.known[key]

    def _cost(self, step: Step, body: Computation) -> StepCost:
        instruction = step.instruction
        shapes = [_arrays(body.by_name[name]) for name in instruction.operands]
        read = self._read(instruction, body)
        operands: dict[tuple[int, Index], float] = {}
        seen: set[int] = set()
        for number, index, value in step.reads:
            size = shapes[number].get(index)
            full = 0 if size is None else size.padded_bytes
            operands[number, index] = 0 if value in seen else min(full, read.get(number, full))
            seen.add(value)
        results = self._written(instruction, body)
        total = sum(operands.values()) + sum(results.get(index, 0) for index, _ in step.writes)
        return StepCost(None, self._flops(instruction, body), total, operands, results)

    def _read(self, instruction: Instruction, body: Computation) -> dict[int, int]:
        """Bytes of each operand that is not read as a whole."""
        if instruction.opcode in SLICES:
            return {0: _bytes(instruction)}
        if instruction.opcode in UPDATES:
            return {0: 0}
        fused = called(self.module, instruction, "calls")
        if instruction.opcode != "fusion" or fused is None:
            return {}
        found = {}
        for parameter in fused.parameters():
            count = self._through(fused, parameter.name, 0)
            if count is not None:
                found[int(parameter.literal)] = count
        return found

    def _through(self, fused: Computation, name: str, depth: int) -> int | None:
        """Bytes of a value that its readers in a fusion read; None: all of it."""
        total = 0
        for reader in fused.instructions:
            for number, operand in enumerate(reader.operands):
                if operand != name:
                    continue
                if reader.opcode in SLICES and number == 0:
                    total += _bytes(reader)
                elif reader.opcode in UPDATES and number == 0:
                    continue
                elif reader.opcode == "bitcast" and depth < 50 and not reader.root:
                    inner = self._through(fused, reader.name, depth + 1)
                    if inner is None:
                        return None
                    total += inner
                else:
                    return None
        return total

    def _written(self, instruction: Instruction, body: Computation) -> dict[Index, int]:
        sizes = {index: array.padded_bytes for index, array in leaves(instruction.shape)}
        for index, _, _ in in_place(self.module, instruction):
            update = self._update(instruction, body, index)
            if update is not None:
                sizes[index] = min(update, sizes.get(index, update))
        return sizes

    def _update(self, instruction: Instruction, body: Computation, index: Index) -> int | None:
        """Bytes of what is put into the storage of an operand."""
        fused = called(self.module, instruction, "calls")
        around, made = body, instruction
        if instruction.opcode == "fusion" and fused is not None:
            around, made = fused, fused.root
            if made.opcode == "tuple" and index:
                made = fused.by_name[made.operands[index[0]]]
            while made.opcode == "bitcast":
                made = fused.by_name[made.operands[0]]
        if made.opcode not in UPDATES:
            return None
        last = 1 if made.opcode == "dynamic-update-slice" else len(made.operands) - 1
        return _bytes(around.by_name[made.operands[last]])

    def _flops(self, instruction: Instruction, body: Computation) -> int:
        opcode = instruction.opcode
        if opcode in MOVES:
            return 0
        if opcode in ELEMENTWISE:
            return _elements(instruction)
        operands = [body.by_name[name] for name in instruction.operands]
        if opcode == "dot":
            dims = _NUMBERS.findall(instruction.attributes.get("lhs_contracting_dims", ""))
            return 2 * _elements(instruction) * _sizes(operands[0], [int(d) for d in dims])
        if opcode == "convolution":
            return self._convolution(instruction, operands)
        if opcode in ("reduce", "scatter", "select-and-scatter"):
            return max(map(_elements, operands), default=0)
        if opcode == "reduce-window":
            window = _WINDOW.search(instruction.attributes.get("window", ""))
            return _elements(instruction) * prod(map(int, window[1].split("x")) if window else ())
        if opcode == "sort":
            count = max(map(_elements, operands))
            return int(count * log2(count + 1))
        if opcode in ("fusion", "async-start", "map", "call"):
            inner = called(self.module, instruction, "calls")
            if inner is not None:
                return sum(self._flops(each, inner) for each in inner.instructions)
        if opcode == "custom-call":
            return self._custom(instruction, operands)
        raise InputError(
            f"{self.place}, line {instruction.line}: there is no cost rule for `{opcode}`",
            "add one to cosmalloc.passes.xla_cost",
        )

    def _convolution(self, instruction: Instruction, operands: list[Instruction]) -> int:
        """`dim_labels=b01f_01io->b01f`: the kernel's labels stand between `_` and `->`."""
        labels = re.search(r"_(\w+)->", instruction.attributes.get("dim_labels", ""))
        kernel = next(iter(_arrays(operands[1]).values()))
        if labels is None or "o" not in labels[1] or len(labels[1]) != len(kernel.dims):
            raise InputError(f"{self.place}, line {instruction.line}: a convolution without labels")
        features = max(1, kernel.dims[labels[1].index("o")])
        return 2 * _elements(instruction) * kernel.elements // features

    def _custom(self, instruction: Instruction, operands: list[Instruction]) -> int:
        target = instruction.attributes.get("custom_call_target", "").strip('"')
        if target in FREE_CALLS:
            return 0
        contracted = _CONTRACTED.search(instruction.attributes.get("backend_config", ""))
        if contracted is not None and operands:
            result = max(array.elements for _, array in leaves(instruction.shape))
            return 2 * result * _sizes(operands[0], [int(contracted[1])])
        raise InputError(
            f"{self.place}, line {instruction.line}: there is no cost rule for the custom call"
            f" `{target}`",
            "add one to cosmalloc.passes.xla_cost",
        )


def _arrays(instruction: Instruction) -> dict[Index, Array]:
    return dict(leaves(instruction.shape))


def _elements(instruction: Instruction) -> int:
    return max((array.elements for _, array in leaves(instruction.shape)), default=0)


def _bytes(instruction: Instruction) -> int:
    return sum(array.padded_bytes for _, array in leaves(instruction.shape))


def _sizes(instruction: Instruction, dims: list[int]) -> int:
    shape = next(iter(_arrays(instruction).values())).dims
    return prod(shape[d] for d in dims if d < len(shape))
