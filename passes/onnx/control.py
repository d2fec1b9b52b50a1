"""ONNX's If: one branch where the condition is a number, a branch of the program elsewhere."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.errors import InputError
from cosmalloc.passes.onnx.common import HANDLERS, op
from cosmalloc.passes.onnx.graph import Node, Scope, Value, run
from cosmalloc.passes.onnx.load import constants, nodes_of

ONE_BRANCH = (
    "it stands in a branch; where an input decides which is taken, fix its value: `--shape rate==1`"
)
DEPTH = 32  # of branches within branches


@op("If")
def _if(node: Node, condition: Value) -> Any:
    if isinstance(condition, np.ndarray):
        taken = "then_branch" if bool(condition.reshape(())) else "else_branch"
        return _branch(node, taken)
    try:
        results = lax.cond(
            jnp.reshape(condition, ()),
            lambda: tuple(map(jnp.asarray, _branch(node, "then_branch"))),
            lambda: tuple(map(jnp.asarray, _branch(node, "else_branch"))),
        )
    except InputError as error:  # perhaps that branch is for other inputs
        raise InputError(error.fact, error.hint or ONE_BRANCH) from error
    return list(results)


def _branch(node: Node, name: str) -> list[Value]:
    graph = node.attr(name, {})
    scope, depth = node.scope, 0
    while scope.outer is not None:
        scope, depth = scope.outer, depth + 1
    if depth > DEPTH:
        raise node.fault(f"lies more than {DEPTH} branches deep")
    inner = Scope(node.scope.model, outer=node.scope, attributes=node.scope.attributes)
    inner.values.update(constants(graph, None))
    run(nodes_of(graph, inner), HANDLERS)
    found = [inner.get(each.get("name", "")) for each in graph.get("output", ())]
    return [value.traced if hasattr(value, "traced") else value for value in found]
