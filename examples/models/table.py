"""The tables in `README.md`: `python -m examples.models.table`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import jax
from jaxlib.mlir import ir

from examples.models.export import ARTIFACTS, NAMES, load, parse
from examples.models.published import PUBLISHED, parameters

HEAD = """\
| model | operations | parameters, bytes | other arguments | donated | artifact, bytes |
|---|--:|--:|---|--:|--:|"""
PUBLISHED_HEAD = """\
| model | parameters | published | where | remark |
|---|--:|--:|---|---|"""


def row(name: str) -> str:
    data = (ARTIFACTS / f"{name}.mlirbc").read_bytes()
    module = parse(data)
    functions = {f.attributes["sym_name"].value: f for f in module.body.operations}
    main = functions["main"]
    marks = list(main.attributes["arg_attrs"]) if "arg_attrs" in main.attributes else []
    _, (params, *_) = load(name)
    cells = (
        f"[{name}]({name}.py)",
        f"{_operations(main, functions):,}",
        f"{sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(params)):,}",
        ", ".join(_others(main)),
        f"{sum('tf.aliasing_output' in mark for mark in marks)}",
        f"{len(data):,}",
    )
    return f"| {' | '.join(cells)} |"


def published_row(name: str) -> str:
    found = PUBLISHED[name]
    cells = (name, f"{parameters(name):,}", found.parameters, found.source, found.remark)
    return f"| {' | '.join(cells)} |"


def _operations(function: ir.OpView, functions: dict[str, ir.OpView]) -> int:
    """Operations of the body, calls replaced by what they call; loop bodies count as one."""
    total = 0
    for operation in function.regions[0].blocks[0].operations:
        if operation.operation.name == "func.call":
            total += _operations(functions[operation.attributes["callee"].value], functions)
        elif operation.operation.name != "func.return":
            total += 1
    return total


def _others(main: ir.OpView) -> Iterator[str]:
    """The arguments that are no parameters; of a pytree with many leaves only its name."""
    seen: set[str] = set()
    for argument in main.regions[0].blocks[0].arguments:
        name = argument.location.name_str
        root = name.split("[")[0]
        if root != "params" and root not in seen:
            seen.add(root)
            kind = argument.type
            yield f"`{root}` {'…' if root != name else str(kind)[7:-1]}"


if __name__ == "__main__":
    print(HEAD, *map(row, NAMES), sep="\n")
    print("", PUBLISHED_HEAD, *map(published_row, PUBLISHED), sep="\n")
