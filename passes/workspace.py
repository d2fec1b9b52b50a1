"""What control flow needs on chip beside its operands and results: its body's own planned peak.

The body's operations are grouped as `main`'s are, its groups run in order, and what they make is
packed over its lifetime. A loop's block arguments live in the operator's operands; a carried value
that is not updated in place waits in the workspace for the next trip. A branch returns into the
operator's results.
"""

from __future__ import annotations

import numpy as np
from jaxlib.mlir import ir

from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_state import storage
from cosmalloc.passes.grouping import Grouping, group
from cosmalloc.passes.rules import Rules

_CONTROL = ("stablehlo.while", "stablehlo.case", "stablehlo.if")


def workspace_bytes(operation: ir.Operation, rules: Rules, alignment: int) -> int:
    """Bytes; 0 for operations whose regions only combine scalars (reduce, sort, scatter)."""
    if operation.name not in _CONTROL:
        return 0
    carries = operation.name == "stablehlo.while"
    blocks = [block for region in operation.regions for block in region.blocks]
    return max((_block_peak(block, rules, alignment, carries) for block in blocks), default=0)


def _block_peak(block: ir.Block, rules: Rules, alignment: int, carries: bool) -> int:
    flow = dataflow(block, rules)
    grouping = group(flow, rules, "fuse")
    steps = len(grouping.groups)
    spans: list[tuple[int, int, int]] = []  # start, stop, bytes
    returned = {storage(flow, rules, value) for value in flow.returned}
    updated = _updated_in_place(flow, rules)
    last = _last_use(flow, grouping, rules)
    for step, part in enumerate(grouping.groups):
        inner = max(
            (workspace_bytes(flow.operations[i], rules, alignment) for i in part.operations),
            default=0,
        )
        if inner:
            spans.append((step, step + 1, inner))
        for value in part.outputs:
            if value in updated or (value in returned and not carries):
                continue
            end = steps if value in returned else last.get(value, step + 1)
            spans.append((step, end, rules.tensor_bytes(flow.handles[value].type)))
    return _packed(spans, alignment)


def _last_use(flow: Dataflow, grouping: Grouping, rules: Rules) -> dict[int, int]:
    last: dict[int, int] = {}
    for step, part in enumerate(grouping.groups):
        for value in part.inputs:
            last[storage(flow, rules, value)] = step + 1
    return last


def _updated_in_place(flow: Dataflow, rules: Rules) -> set[int]:
    """Values that take the bytes of a block argument nobody else reads."""
    found = set()
    for operation in range(len(flow.operations)):
        for result, operand in rules.in_place(flow.operations[operation]):
            base = storage(flow, rules, flow.reads[operation][operand])
            if base < flow.outside and flow.users[base] == (operation,):
                found.add(flow.results[operation][result])
    return found


def _packed(spans: list[tuple[int, int, int]], alignment: int) -> int:
    if not spans:
        return 0
    from cosmalloc import native

    lower, upper, size = np.array(spans, np.int64).T.copy()
    return int(native.portfolio(lower, upper, size, alignment=alignment).peak)
