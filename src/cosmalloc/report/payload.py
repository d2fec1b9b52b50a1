"""The words and links that the page's script looks up: plain values, indices as in problem.json."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from cosmalloc.report.view import View


def payload(view: View) -> dict[str, Any]:
    """One plan for the script.

    tensors, operators: columns. order: operator per step. transfers: columns. reads: per tensor
    the steps that read it; made: per tensor its producing step, -1 for none. steps: bytes on chip
    and, with a timeline, seconds. waits: per stall its border and the copies waited for.
    """
    problem, plan, line = view.problem, view.plan, view.timeline
    tensors, life = problem.tensors, view.life
    return {
        "steps": len(plan.order),
        "scratchpad": problem.target.scratchpad_bytes,
        "peak": view.peak,
        "tensors": {
            "name": [tensor.name for tensor in tensors],
            "bytes": [tensor.bytes for tensor in tensors],
            "kind": [tensor.kind for tensor in tensors],
            "made": [
                life.uses[t][0] if life.produced[t] and life.uses[t] else -1
                for t in range(len(tensors))
            ],
            "reads": [
                list(life.uses[t][1:] if life.produced[t] else life.uses[t])
                for t in range(len(tensors))
            ],
        },
        "operators": {
            "name": [node.name for node in problem.operators],
            "kind": [node.kind for node in problem.operators],
            "location": [node.location for node in problem.operators],
        },
        "order": list(plan.order),
        "held": view.held.tolist(),
        "transfers": {
            "tensor": [copy.tensor for copy in plan.transfers],
            "kind": [copy.kind for copy in plan.transfers],
            "start": [copy.start for copy in plan.transfers],
            "stop": [copy.stop for copy in plan.transfers],
        },
        "stays_of": _stays_by_tensor(view),
        "seconds": None
        if line is None
        else {"start": list(line.step_start), "stop": list(line.step_stop), "end": line.latency},
        "waits": [{"border": wait.border, "copies": list(wait.copies)} for wait in view.waits],
    }


def _stays_by_tensor(view: View) -> dict[int, list[int]]:
    """Tensor -> its residencies, by start."""
    found: dict[int, list[int]] = defaultdict(list)
    for index, stay in sorted(enumerate(view.stays), key=lambda pair: pair[1].start):
        found[stay.tensor].append(index)
    return dict(found)
