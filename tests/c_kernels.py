"""Kernels of a small integer network as plain C, one loop nest per operation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxlib.mlir import ir

from cosmalloc.passes.inline import callee, kernels
from cosmalloc.passes.numpy_types import shape_of
from cosmalloc.passes.program import Program

_TYPES = {"i8": "int8_t", "i32": "int32_t"}
_BINARY = {
    "stablehlo.add": "{0} + {1}",
    "stablehlo.multiply": "{0} * {1}",
    "stablehlo.maximum": "{0} > {1} ? {0} : {1}",
    "stablehlo.minimum": "{0} < {1} ? {0} : {1}",
    "stablehlo.shift_right_arithmetic": "{0} >> {1}",
    "stablehlo.convert": "{0}",
}


def kernels_text(program: Program) -> str:
    """A function `operate` for `cosmalloc_run` that runs every operator of the program."""
    found = kernels(program.module)
    return "\n".join(
        [
            *(line for key, function in found.items() for line in _kernel(key, function)),
            "int operate(const cosmalloc_run *run, const cosmalloc_step *step);",
            "int operate(const cosmalloc_run *run, const cosmalloc_step *step) {",
            "  switch (step->operator_index) {",
            *(_call(program, index) for index in range(len(program.operations))),
            "  default: return 1;",
            "  }",
            "}",
            "",
        ]
    )


def _call(program: Program, operator: int) -> str:
    handle, node = program.operations[operator], program.problem.operators[operator]
    places = [node.inputs.index(program.tensors[value]) for value in handle.operands]
    places += [len(node.inputs) + k for k in range(len(node.outputs))]
    arguments = ", ".join(f"cosmalloc_at(run, step, {place})" for place in places)
    return f"  case {operator}: {_word(callee(handle))}({arguments}); return 0;"


def _word(name: str) -> str:
    return "kernel_" + name.replace(".", "_")


def _kernel(name: str, function: ir.Operation) -> Iterator[str]:
    """void kernel(const void *a0, ..., void *r0, ...), its values on the stack."""
    block = function.regions[0].blocks[0]
    body = [op.operation for op in block]
    words = {value: f"v{place}" for place, value in enumerate(block.arguments)}
    terminator = body.pop()
    inputs = [f"const void *a{k}" for k in range(len(block.arguments))]
    outputs = [f"void *r{k}" for k in range(len(terminator.operands))]
    yield f"static void {_word(name)}({', '.join([*inputs, *outputs])}) {{"
    for place, value in enumerate(block.arguments):
        yield f"  const {_type(value)} *v{place} = a{place};"
    for operation in body:
        word = f"v{len(words)}"
        result = operation.results[0]
        yield f"  {_type(result)} {word}[{max(1, math.prod(shape_of(result.type)))}];"
        yield from _operation(operation, word, [words[value] for value in operation.operands])
        words[result] = word
    for place, value in enumerate(terminator.operands):
        yield f"  memcpy(r{place}, {words[value]}, sizeof {words[value]});"
    yield "}"


def _type(value: ir.Value[Any]) -> str:
    return _TYPES[str(ir.RankedTensorType(value.type).element_type)]


def _operation(operation: ir.Operation, word: str, operands: list[str]) -> Iterator[str]:
    shape = shape_of(operation.results[0].type)
    count = math.prod(shape)
    if operation.name in _BINARY:
        terms = [f"{operand}[i]" for operand in operands]
        text = _BINARY[operation.name].format(*terms)
        kind = _type(operation.results[0])
        yield f"  for (int i = 0; i < {count}; i++) {word}[i] = ({kind})({text});"
    elif operation.name == "stablehlo.constant":
        data = np.broadcast_to(np.array(operation.attributes["value"]), shape).ravel()
        yield from (f"  {word}[{i}] = {int(number)};" for i, number in enumerate(data))
    elif operation.name == "stablehlo.reshape":
        yield f"  memcpy({word}, {operands[0]}, sizeof {word});"
    elif operation.name == "stablehlo.broadcast_in_dim":
        assert not shape_of(operation.operands[0].type)
        yield f"  for (int i = 0; i < {count}; i++) {word}[i] = {operands[0]}[0];"
    elif operation.name == "stablehlo.dot_general":
        yield from _product(operation, word, operands)
    elif operation.name == "stablehlo.convolution":
        yield from _convolution(operation, word, operands)
    else:
        raise NotImplementedError(operation.name)


def _product(operation: ir.Operation, word: str, operands: Sequence[str]) -> Iterator[str]:
    """(m, k) x (k, n), row by row."""
    (m, k), (_, n) = (shape_of(value.type) for value in operation.operands)
    yield f"  for (int i = 0; i < {m}; i++) for (int j = 0; j < {n}; j++) {{"
    yield "    int32_t sum = 0;"
    yield f"    for (int l = 0; l < {k}; l++)"
    yield f"      sum += {operands[0]}[i * {k} + l] * {operands[1]}[l * {n} + j];"
    yield f"    {word}[i * {n} + j] = sum;"
    yield "  }"


def _convolution(operation: ir.Operation, word: str, operands: Sequence[str]) -> Iterator[str]:
    """NHWC by HWIO, batch 1, stride 1, zeros around so that the image keeps its size."""
    (_, height, width, depth), (tall, wide, _, deep) = (
        shape_of(value.type) for value in operation.operands
    )
    yield f"  for (int y = 0; y < {height}; y++) for (int x = 0; x < {width}; x++)"
    yield f"  for (int o = 0; o < {deep}; o++) {{"
    yield "    int32_t sum = 0;"
    for row, column in itertools.product(range(tall), range(wide)):
        at, over = row - tall // 2, column - wide // 2
        yield f"    if (y + {at} >= 0 && y + {at} < {height})"
        yield f"    if (x + {over} >= 0 && x + {over} < {width})"
        yield f"      for (int c = 0; c < {depth}; c++)"
        pixel = f"((y + {at}) * {width} + x + {over}) * {depth} + c"
        weight = f"({(row * wide + column) * depth} + c) * {deep} + o"
        yield f"        sum += {operands[0]}[{pixel}] * {operands[1]}[{weight}];"
    yield f"    {word}[(y * {width} + x) * {deep} + o] = sum;"
    yield "  }"
