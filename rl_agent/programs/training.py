"""A step of training: a net forwards, its gradients backwards, its weights updated in place."""

from __future__ import annotations

from cosmalloc.problem import Operator
from cosmalloc.rl_agent.programs.attention import attention
from cosmalloc.rl_agent.programs.build import Build
from cosmalloc.rl_agent.programs.cells import cells
from cosmalloc.rl_agent.programs.convolutions import chain, residual


def train_step(build: Build) -> None:
    """Of a random net of another family, a third as deep."""
    build.scale /= 3
    build.dice.choice([chain, residual, attention, cells])(build)
    backwards(build)


def backwards(build: Build) -> None:
    """Adds to a net the loss's gradient, that of every operator, last one first, and the updates.

    An operator's gradient reads the gradient of what it made and what it read, and takes twice its
    flops. Where a tensor is read more than once, its gradients are added as they come.
    """
    forward = list(build.operators)
    gradient: dict[int, int] = {}
    for operator in reversed(forward):
        made = operator.outputs[0]
        if made not in gradient:  # an output: the loss is made of it
            size = build.elements(made)
            gradient[made] = build.op("loss", [made], size, 3.0 * size)
        _reverse(build, operator, gradient)
    for weight in [t for t, tensor in enumerate(build.tensors) if tensor.kind == "weight"]:
        if weight not in gradient:
            continue
        size = build.elements(weight)
        after = build.op("update", [weight, gradient[weight]], size, 2.0 * size)
        build.leaves(after)
        build.in_place(weight, after)


def _reverse(build: Build, operator: Operator, gradient: dict[int, int]) -> None:
    given = gradient[operator.outputs[0]]
    for tensor in operator.inputs:
        kind = build.tensors[tensor].kind
        if kind == "input":
            continue
        others = [t for t in operator.inputs if t != tensor]
        reads = [given, *(others if operator.flops else ())]
        work = float(operator.flops or 0) / max(1, len(others))
        mine = build.op("gradient", reads, build.elements(tensor), work)
        if tensor in gradient:
            size = build.elements(tensor)
            mine = build.op("add", [gradient[tensor], mine], size, float(size))
        gradient[tensor] = mine
