"""What a player sees: arrays of fixed sizes, and the program as a graph.

Units: bytes as shares of the scratchpad; costs (seconds, or bytes under objective `traffic`) as
multiples of the mean cost of a step with everything off-chip; "log" stands for log(1 + x). Nothing
here is above a few units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosmalloc.errors import InputError
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.seconds import compute_seconds

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

READY = 8  # operators to pick from
CHANNELS = ("taken", "standing", "leaving", "offered")
QUEUE = (
    "stores under way, log",
    "their cost, log",
    *(f"idle channel in the last {2**k} steps, in loads of this tensor, log" for k in range(7)),
    *(f"idle channel in the next {2**k} steps with all off-chip, log" for k in range(7)),
    "bytes taken at this step",
    "bytes standing",
    "bytes of tensors on their way off-chip",
    "largest hole",
    "waited so far, share of the value",
    "no copy engine",
    "one copy engine",
    "two copy engines",
)
USE = (
    "there is one",
    "reads",
    "input",
    "weight",
    "output",
    "stands on chip, its bytes untouched since",
    "not valid off-chip",
    "valid off-chip",
    "bytes",
    "bytes, log2 / 20 + 1",
    "cost off-chip, log",
    "cost on chip, log",
    "cost of a load, log",
    "cost of a store, log",
    "compute of the step, log",
    "cost of the step with all off-chip, log",
    "what the step saves with this one on chip, log",
    "steps from now, / 64",
    "1 / steps until the use after it, 0 for none",
    "uses after it, log",
    "steps since it was on chip, / 64, log",
    "updated in place in this step",
    "length of the copy's window, / 64 (this use only)",
    "saved next by what the move would cover, log (this use only)",
)
OPERATOR = (
    "there is one",
    "its operands and results fit on chip together",
    "cost with all off-chip, log",
    "bytes of operands that stand on chip",
    "bytes of results",
    "bytes read for the last time",
    "operators that it makes ready, log",
    "place in the source order, share",
)
POSITION = (
    "step, share",
    "use within the step, share",
    "value, share of all off-chip",
    "operators, log / 10",
    "rule resident",
    "objective traffic",
    "order free",
    "an operator is to be picked",
    "over",
    "all off-chip from here on, share",
    "alignment",
    "scratchpad as a share of all tracked bytes, log",
    "read bandwidth over write bandwidth, log2 / 10",
    "bandwidth on chip over off-chip, log2 / 10",
    "uses per step, log",
    "uses served from the chip so far, share",
)


class Observation(NamedTuple):
    """One row per slot. B slots, H x W board, K uses looked at.

    board: float32[B, H, W, 4], see CHANNELS. Rows are steps, the last one is the step under way,
        the first one H - 1 steps before it; columns are addresses, W equal parts of the scratchpad.
        `taken` is the share of the part that is held for good. The other three are of the bytes now
        and stand in every row since when they hold: `standing`, 1 / (1 + steps until its next use)
        of a tensor that may be kept (order free: 0.5); `leaving`, a tensor whose store is under
        way; `offered`, where and since when the move `copy` or `no_copy` would put this use.
    queue: float32[B, 24], see QUEUE.
    uses: float32[B, K, 24], see USE: the use to be decided and those behind it (order free: only
        those of this step).
    ready: float32[B, 8, 8], see OPERATOR: the operators that may be picked, in the sequence of the
        moves; zeros where none is.
    position: float32[B, 16], see POSITION.
    operators: int32[B, K], the operator of each use (a node of the program's graph), -1 for none.
    tensors: int32[B, K], the tensor of each use, -1 for none.
    picks: int32[B, 8], the operator behind each pick, -1 for none.
    """

    board: Floats
    queue: Floats
    uses: Floats
    ready: Floats
    position: Floats
    operators: Ints
    tensors: Ints
    picks: Ints


class ProgramGraph(NamedTuple):
    """A program for a graph embedding, padded: sizes are powers of two, at least 32.

    nodes: float32[N, 16], operators as the problem lists them (not in the order of a plan).
    node_mask: bool[N].
    senders, receivers: int32[E], for each read of a produced tensor its maker and its reader; 0
        where there is no edge.
    edges: float32[E, 8]. edge_mask: bool[E].
    globals: float32[8].
    """

    nodes: Floats
    node_mask: NDArray[np.bool_]
    senders: Ints
    receivers: Ints
    edges: Floats
    edge_mask: NDArray[np.bool_]
    globals: Floats


def bucket(count: int, least: int = 32) -> int:
    """The smallest power of two that is at least `count` and `least`."""
    return max(least, 1 << max(0, count - 1).bit_length())


def program_graph(problem: Problem, *, nodes: int = 0, edges: int = 0) -> ProgramGraph:
    """The graph of a program. nodes, edges: padded sizes, 0 for the bucket of the program itself.

    InputError if they are too small.
    """
    sizes = _Sizes.of(problem)
    rows = [_node(problem, sizes, operator) for operator in range(len(problem.operators))]
    links = [
        (maker, reader, tensor)
        for tensor, maker in enumerate(problem.producer)
        if maker is not None
        for reader in problem.readers[tensor]
    ]
    n, e = nodes or bucket(len(rows)), edges or bucket(len(links))
    if n < len(rows) or e < len(links):
        raise InputError(
            f"{len(rows)} operators and {len(links)} edges don't fit {n} nodes and {e} edges",
            "leave the sizes out, or take the largest of all programs",
        )
    graph = ProgramGraph(
        np.zeros((n, NODE_FEATURES), np.float32),
        np.arange(n) < len(rows),
        np.zeros(e, np.int32),
        np.zeros(e, np.int32),
        np.zeros((e, EDGE_FEATURES), np.float32),
        np.arange(e) < len(links),
        _globals(problem, sizes),
    )
    graph.nodes[: len(rows)] = np.array(rows, np.float32).reshape(-1, NODE_FEATURES)
    for index, (maker, reader, tensor) in enumerate(links):
        graph.senders[index], graph.receivers[index] = maker, reader
        graph.edges[index] = _edge(problem, sizes, maker, reader, tensor)
    return graph


NODE_FEATURES, EDGE_FEATURES = 16, 8


class _Sizes(NamedTuple):
    """capacity: bytes, at least 1. seconds: mean of an operator. place: per operator its place in
    source order. base: per operator its seconds with everything off-chip. compute: without."""

    capacity: int
    seconds: float
    place: dict[int, int]
    base: list[float]
    compute: list[float]

    @classmethod
    def of(cls, problem: Problem) -> _Sizes:
        place = {operator: step for step, operator in enumerate(source_order(problem))}
        compute = [_compute(problem, operator) for operator in range(len(problem.operators))]
        target = problem.target
        base = [
            max(
                seconds,
                sum(node.input_bytes_accessed) / target.offchip_read_bytes_per_second
                + sum(node.output_bytes_accessed) / target.offchip_write_bytes_per_second,
            )
            for seconds, node in zip(compute, problem.operators, strict=True)
        ]
        mean = sum(base) / max(1, len(base))
        return cls(max(1, target.scratchpad_bytes), mean or 1.0, place, base, compute)


def _compute(problem: Problem, operator: int) -> float:
    """Seconds of arithmetic; 0 where unknown, which objective `traffic` allows."""
    try:
        return compute_seconds(problem, operator)
    except InputError:
        return 0.0


def _node(problem: Problem, sizes: _Sizes, operator: int) -> tuple[float, ...]:
    node, tensors = problem.operators[operator], problem.tensors
    target = problem.target
    made = [problem.producer[t] for t in node.inputs]
    fresh = [t for t, maker in zip(node.inputs, made, strict=True) if maker is None]
    kept = [t for t in node.inputs if tensors[t].kind == "weight"]
    reads = sum(node.input_bytes_accessed) / target.offchip_read_bytes_per_second
    writes = sum(node.output_bytes_accessed) / target.offchip_write_bytes_per_second

    def share(names: list[int] | tuple[int, ...]) -> float:
        return float(np.log1p(sum(tensors[t].bytes for t in names) / sizes.capacity))

    return (
        1.0,
        sizes.place[operator] / max(1, len(problem.operators)),
        float(np.log1p(sizes.base[operator] / sizes.seconds)),
        float(np.log1p(sizes.compute[operator] / sizes.seconds)),
        float(np.log1p(reads / sizes.seconds)),
        float(np.log1p(writes / sizes.seconds)),
        share(node.inputs),
        share(node.outputs),
        share(fresh),
        share(kept),
        float(np.log1p(len(node.inputs))),
        float(np.log1p(len(node.outputs))),
        float(np.log1p(sum(len(problem.readers[t]) for t in node.outputs))),
        float(any(tensors[t].kind == "output" for t in node.outputs)),
        float(any(not tensors[t].tracked for t in node.inputs)),
        float(any(tensors[t].alias_group is not None for t in node.outputs)),
    )


def _edge(
    problem: Problem, sizes: _Sizes, maker: int, reader: int, tensor: int
) -> tuple[float, ...]:
    entry, target = problem.tensors[tensor], problem.target
    node = problem.operators[reader]
    read = node.input_bytes_accessed[node.inputs.index(tensor)]
    gap = sizes.place[reader] - sizes.place[maker]
    return (
        1.0,
        float(np.log1p(entry.bytes / sizes.capacity)),
        float(np.log1p(read / target.offchip_read_bytes_per_second / sizes.seconds)),
        1.0 / max(1, gap),
        float(np.log1p(max(0, gap)) / 5),
        float(np.log1p(len(problem.readers[tensor]))),
        float(entry.tracked),
        float(entry.kind == "output"),
    )


def _globals(problem: Problem, sizes: _Sizes) -> Floats:
    target, tensors = problem.target, problem.tensors
    tracked = sum(tensor.bytes for tensor in tensors if tensor.tracked)
    values = (
        np.log1p(len(problem.operators)) / 10,
        np.log1p(len(tensors)) / 10,
        np.log1p(tracked / sizes.capacity),
        float(target.operand_rule == "resident"),
        np.log2(target.onchip_read_bytes_per_second / target.offchip_read_bytes_per_second) / 10,
        np.log2(target.offchip_read_bytes_per_second / target.offchip_write_bytes_per_second) / 10,
        target.copy_engines / 2,
        sum(sizes.compute) / max(sum(sizes.base), 1e-300),
    )
    return np.array(values, np.float32)


__all__ = [
    "CHANNELS",
    "OPERATOR",
    "POSITION",
    "QUEUE",
    "READY",
    "USE",
    "Observation",
    "ProgramGraph",
    "bucket",
    "program_graph",
]
